"""The metadata as a reader of `metadata_schema.fbs` finds it: by the number of the field in each table."""

import io
import zipfile

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.trainer.tflite.conftest import save_classifier
from trainer.tflite.convert import convert
from trainer.tflite.metadata import with_classifier_metadata
from trainer.tflite.run import Runner

NAMES = ["cardboard", "glass", "metal", "trash"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return convert(save_classifier(tmp_path_factory.mktemp("model"), side=32), "float32", lambda: [])


@pytest.fixture(scope="module")
def described(plain):
    return with_classifier_metadata(plain, NAMES, "recycling", 32)


class Reader:
    """A table of a FlatBuffer."""

    def __init__(self, data, position):
        self.table = flatbuffers.table.Table(data, position)

    def place(self, slot):
        return self.table.Pos + self.table.Offset(4 + 2 * slot)

    def text(self, slot):
        return self.table.String(self.place(slot)).decode()

    def child(self, slot):
        return Reader(self.table.Bytes, self.table.Indirect(self.place(slot)))

    def only(self, slot):
        offset = self.table.Offset(4 + 2 * slot)
        assert self.table.VectorLen(offset) == 1
        return Reader(self.table.Bytes, self.table.Indirect(self.table.Vector(offset)))

    def number(self, slot, flags):
        return self.table.Get(flags, self.place(slot))

    def floats(self, slot):
        return self.table.GetVectorAsNumpy(flatbuffers.number_types.Float32Flags, self.table.Offset(4 + 2 * slot))


@pytest.fixture(scope="module")
def metadata(described):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(described, 0))
    (entry,) = [entry for entry in model.metadata if entry.name == b"TFLITE_METADATA"]
    data = bytearray(bytes(np.asarray(model.buffers[entry.buffer].data, np.uint8)))
    assert data[4:8] == b"M001"
    return Reader(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0))


def test_the_labels_are_in_the_archive_behind_the_model(described, metadata):
    with zipfile.ZipFile(io.BytesIO(described)) as archive:
        assert archive.read("labels.txt").decode().split() == NAMES
    scores = metadata.only(3).only(3)
    assert scores.text(0) == "scores"
    file = scores.only(6)
    assert (file.text(0), file.number(2, flatbuffers.number_types.Int8Flags)) == ("labels.txt", 2)


def test_the_input_is_an_rgb_picture_that_needs_no_normalisation(metadata):
    assert metadata.text(0) == "recycling"
    image = metadata.only(3).only(2)
    content = image.child(3)
    assert (image.text(0), content.number(0, flatbuffers.number_types.Uint8Flags)) == ("image", 2)
    properties = content.child(1)
    assert properties.number(0, flatbuffers.number_types.Int8Flags) == 1
    size = properties.child(1)
    assert [size.number(slot, flatbuffers.number_types.Uint32Flags) for slot in (0, 1)] == [32, 32]
    normalisation = image.only(4).child(1)
    assert (*normalisation.floats(0), *normalisation.floats(1)) == (0, 1)
    assert (*image.child(5).floats(1), *image.child(5).floats(0)) == (0, 255)


def test_the_file_runs_as_before(plain, described):
    pixels = {"image": np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype("float32")}
    np.testing.assert_array_equal(Runner(described, 1)(pixels)["scores"], Runner(plain, 1)(pixels)["scores"])
