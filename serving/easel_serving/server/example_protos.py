"""`tf.Example` in protocol buffers' wire format, without TensorFlow: the TFLite runtime has none.

Messages: tensorflow/core/example/{example,feature}.proto. An Example holds Features (field 1), which hold a map
(field 1: key 1, value 2) of Feature: one of BytesList (1), FloatList (2) or Int64List (3), their values in field 1.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from easel_serving.server.status import invalid
from easel_serving.wire import BYTES, header, varint

Feature = tuple[str, Sequence[Any]]
"""`bytes_list`, `float_list` or `int64_list` ("" for none, as in an empty Feature) and the values."""

_KINDS = {"bytes_list": 1, "float_list": 2, "int64_list": 3}
_VARINT, _FIXED64, _FIXED32 = 0, 1, 5


def serialize(features: Mapping[str, Feature]) -> bytes:
    """The bytes of an Example."""
    entries = [
        _field(1, _field(1, name.encode()) + _field(2, _feature(kind, values)))
        for name, (kind, values) in features.items()
    ]
    return _field(1, b"".join(entries))


def bytes_feature(example: bytes, name: str) -> bytes:
    """The one value of a feature in an Example.

    Raises:
        StatusError: INVALID_ARGUMENT, the bytes are no Example, or the feature is not there or has not one value.
    """
    values = [value for found, value in bytes_values(example) if found == name]
    if len(values) != 1:
        raise invalid(f"Feature: {name} (data type: string) is required but has {len(values)} values.")
    return values[0]


def bytes_values(example: bytes) -> list[tuple[str, bytes]]:
    """`(feature, value)` of every value of the byte features in an Example.

    Raises:
        StatusError: INVALID_ARGUMENT, the bytes are no Example.
    """
    try:
        return [
            (name.decode("utf-8", "replace"), value)
            for features in fields(example, 1)
            for entry in fields(features, 1)
            for name in fields(entry, 1)[-1:]
            for feature in fields(entry, 2)
            for content in fields(feature, _KINDS["bytes_list"])
            for value in fields(content, 1)
        ]
    except (ValueError, IndexError):
        raise invalid("Could not parse example input") from None


def _feature(kind: str, values: Sequence[Any]) -> bytes:
    if not kind:
        return b""
    if kind == "bytes_list":
        content = b"".join(_field(1, value) for value in values)
    elif kind == "float_list":
        content = _field(1, struct.pack(f"<{len(values)}f", *values))
    else:
        content = _field(1, b"".join(varint(value % 2**64) for value in values))
    return _field(_KINDS[kind], content)


def _field(number: int, content: bytes) -> bytes:
    return header(number, len(content)) + content


def fields(message: bytes, number: int) -> list[bytes]:
    """The length-delimited values of one field; raises ValueError or IndexError for what is no message."""
    return [content for found, content in _parse(message) if found == number]


def _parse(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        wire = tag & 7
        if wire == BYTES:
            size, at = _read_varint(message, at)
            if at + size > len(message):
                raise ValueError("cut off")
            yield tag >> 3, message[at : at + size]
            at += size
        elif wire == _VARINT:
            _, at = _read_varint(message, at)
        elif wire in (_FIXED32, _FIXED64):
            at += 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire}")


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        digit = message[at]
        value |= (digit & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if digit < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number that is too long")
