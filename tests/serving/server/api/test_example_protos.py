import struct

import pytest
from easel_serving.protocol.example_protos import bytes_feature, parse
from easel_serving.protocol.messages import Example
from easel_serving.protocol.status import StatusError

from tests.serving import attacks

NAME = "image/encoded"


def example(**features):
    made = Example()
    for kind, values in features.items():
        getattr(made.features.feature[NAME], kind).value.extend(values)
    return made.SerializeToString()


def test_it_is_tensorflows_message():
    tf = pytest.importorskip("tensorflow")
    made = Example()
    made.features.feature[NAME].bytes_list.value.append(b"\x00\xff" * 300)
    made.features.feature["label"].int64_list.value.extend([3, -1, 2**63 - 1])
    made.features.feature["scores"].float_list.value.extend([0.5, -2.0])
    made.features.feature["nothing"].SetInParent()
    theirs = tf.train.Example.FromString(made.SerializeToString())
    assert str(theirs) == str(made)
    assert str(parse(theirs.SerializeToString())) == str(made)
    assert bytes_feature(theirs.SerializeToString(), NAME) == b"\x00\xff" * 300


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "required but has 0 values"),
        (example(bytes_list=[b"a", b"b"]), "required but has 2 values"),
        (example(int64_list=[1]), "required but has 0 values"),
        (example(bytes_list=[b"abc"])[:-2], "Could not parse example input"),
        (b"\xff" * 20, "Could not parse example input"),
        (b"\x0f", "Could not parse example input"),
        (attacks.example_with_long_length(b"abc"), "Could not parse example input"),
    ],
)
def test_refuses_what_is_no_example_of_a_photo(content, message):
    with pytest.raises(StatusError, match=message):
        bytes_feature(content, NAME)


def test_what_nobody_knows_is_left_out():
    unknown = b"BM" + struct.pack("<77s", b"x")
    assert parse(unknown + attacks.example(b"photo")).SerializeToString() == attacks.example(b"photo")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b'"\\ud800"', "surrogate pair"), (b'{"b64": "\\udfff"}', "surrogate pair"), (b"9" * 5000, "too big"),
        (b"18446744073709551615", "uint64"), (b"9223372036854775808", "uint64"), (b"1e39", "without loss"),
        (b"1" + b"0" * 400, "too big"), (b"-9223372036854775809", None), (b"true", None), (b"NaN", None),
    ],
)  # fmt: skip
def test_values_that_no_feature_holds_are_the_clients_fault(value, said):
    examples = pytest.importorskip("easel_serving.server.api.examples")
    for document in (b'{"examples": [{"x": %s}]}', b'{"context": {"x": [%s]}, "examples": [{}]}'):
        if said is None:
            _, [serialized] = examples.classify_request(document % value)
            assert parse(serialized).features.feature["x"].WhichOneof("kind")
        else:
            with pytest.raises(StatusError, match=said):
                examples.classify_request(document % value)
    with pytest.raises(StatusError, match="surrogate pair"):
        examples.classify_request(b'{"examples": [{"\\ud800": 1}]}')
