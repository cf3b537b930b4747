import numpy as np
import pytest
from easel_serving.server.example_protos import bytes_feature, serialize
from easel_serving.server.status import StatusError

tf = pytest.importorskip("tensorflow")

NAME = "image/encoded"


def test_tensorflow_reads_what_is_written():
    features = {
        NAME: ("bytes_list", [b"\x00\xff" * 300]),
        "label": ("int64_list", [3, -1, 2**63 - 1]),
        "scores": ("float_list", [0.5, -2.0]),
        "nothing": ("", []),
    }
    read = tf.train.Example.FromString(serialize(features)).features.feature
    assert list(read[NAME].bytes_list.value) == [b"\x00\xff" * 300]
    assert list(read["label"].int64_list.value) == [3, -1, 2**63 - 1]
    np.testing.assert_array_equal(read["scores"].float_list.value, [0.5, -2.0])
    assert read["nothing"].WhichOneof("kind") is None


def test_reads_what_tensorflow_writes():
    example = tf.train.Example()
    example.features.feature["other"].int64_list.value.extend([1, 300])
    example.features.feature[NAME].bytes_list.value.append(b"x" * 200)
    example.features.feature["ratio"].float_list.value.append(1.5)
    assert bytes_feature(example.SerializeToString(), NAME) == b"x" * 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "required but has 0 values"),
        (serialize({NAME: ("bytes_list", [b"a", b"b"])}), "required but has 2 values"),
        (serialize({NAME: ("int64_list", [1])}), "required but has 0 values"),
        (serialize({NAME: ("bytes_list", [b"abc"])})[:-2], "Could not parse example input"),
        (b"\xff" * 20, "Could not parse example input"),
        (b"\x0f", "Could not parse example input"),
    ],
)
def test_refuses_what_is_no_example_of_a_photo(content, message):
    with pytest.raises(StatusError, match=message):
        bytes_feature(content, NAME)
