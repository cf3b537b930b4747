"""What is trained on is what is served: raw photos and their ingested copies give the same tensors.

A phone sends what the camera wrote, turned by EXIF; training sees what ingest made of the same file.
"""

import numpy as np
import pytest
import tensorflow as tf
from tfx_bsl.coders import batch_util

from components.artifacts import features
from components.image_folder_example_gen.inspection import inspection
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.vocabulary.files import Picture, Source
from components.image_folder_example_gen.writing import examples
from pipeline.running import batches
from tests.components.image_folder_example_gen import corpus
from trainer.images import decoding, resizing

SIDE = 48
OPTIONS = IngestOptions(min_side=1)
SIZES = [(160, 120), (97, 61), (61, 97), (49, 47), (33, 201), (300, 31)]
"""Larger and smaller than the network's input, odd, and long."""


def ingested(data: bytes, tmp_path, options: IngestOptions = OPTIONS) -> bytes:
    """The encoded image that an Example holds of a file with these bytes."""
    path = tmp_path / "photo"
    path.write_bytes(data)
    status = path.stat()
    source = Source(bytes(path), "photo", "cat", "", status.st_size, status.st_mtime_ns)
    picture = inspection.examine(source, options)
    assert isinstance(picture, Picture), picture
    example = tf.train.Example.FromString(examples.serialize(picture, options))
    return example.features.feature[features.ENCODED].bytes_list.value[0]


def tensor(data: bytes, aspect: str) -> np.ndarray:
    return resizing.resize(decoding.decode(data), SIDE, SIDE, aspect).numpy().astype(int)


def assert_alike(raw: bytes, copy: bytes) -> None:
    for aspect in resizing.ASPECTS:
        difference = np.abs(tensor(raw, aspect) - tensor(copy, aspect))
        # JPEG at quality 95 rounds grain by about a hundredth of the range where nothing is reduced to average it out.
        assert difference.mean() < 3, aspect
        assert difference.max() <= 24, aspect


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_turned_photo_is_its_upright_copy(turn, tmp_path):
    width, height = SIZES[turn % len(SIZES)]
    raw = corpus.save(corpus.photo(width, height, seed=turn), "JPEG", quality=92, exif=corpus.exif(turn))
    copy = ingested(raw, tmp_path)
    assert (copy == raw) == (turn == 1), "what needs no turning keeps its bytes"
    assert_alike(raw, copy)


@pytest.mark.parametrize("size", SIZES[1::2])
@pytest.mark.parametrize(
    ("kind", "mode", "how"),
    [
        ("JPEG", "RGB", {"quality": 90, "progressive": True, "exif": corpus.exif(6)}),
        ("JPEG", "RGB", {"quality": 80, "subsampling": 2, "exif": corpus.exif(8)}),
        ("JPEG", "L", {"quality": 90, "exif": corpus.exif(3)}),
        ("PNG", "RGB", {}),
        ("PNG", "L", {}),
        ("BMP", "RGB", {}),
    ],
)
def test_odd_sizes_of_every_format_that_a_served_model_decodes(kind, mode, how, size, tmp_path):
    raw = corpus.save(corpus.photo(*size).convert(mode), kind, **how)
    assert_alike(raw, ingested(raw, tmp_path))


def test_a_photo_that_ingest_reduces_stays_alike(tmp_path):
    raw = corpus.save(corpus.photo(640, 420), "JPEG", quality=92, exif=corpus.exif(6))
    copy = ingested(raw, tmp_path, IngestOptions(min_side=1, max_side=256))
    assert max(decoding.decode(copy).shape) == 256
    for aspect in resizing.ASPECTS:
        # Reduced twice, by two filters: alike to the eye, no longer to the level.
        assert np.abs(tensor(raw, aspect) - tensor(copy, aspect)).mean() < 3


def test_batches_are_bounded_by_bytes():
    batches.bound_by_bytes()
    given = batch_util.GetBatchElementsKwargs(None)
    assert given["max_batch_size"] == 20 * 2**20
    assert given["element_size_fn"](b"x" * 5_000_000) == 5_000_000
