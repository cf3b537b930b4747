"""How many values a serialized message holds, told before it is parsed: each becomes an object.

Two bytes of a request can be one value, which takes fifty in memory: 60 MB of them, a gigabyte and a half. Only what
precedes values is read here (https://protobuf.dev/programming-guides/encoding), and of an image that is six bytes.
"""

from typing import Any

MOST = 100_000
"""Values in one message, on all levels."""

_DEPTH = 50
_BYTES, _SKIPPED = 2, {1: 8, 5: 4}
"""Wire types: what has a length; numbers of a fixed size."""


def check(data: bytes, kind: Any) -> None:
    """Raises ValueError for bytes with more values than `MOST`, or that are no message of the class `kind`."""
    _count(memoryview(data), kind.DESCRIPTOR, MOST, _DEPTH)


def _count(message: memoryview, descriptor: Any, left: int, depth: int) -> int:
    """How many more values there may be after those of this message."""
    if depth == 0:
        raise ValueError("messages in messages, too many")
    at, end, fields = 0, len(message), descriptor.fields_by_number
    while at < end:
        if left == 0:
            raise ValueError(f"more than {MOST} values")
        left -= 1
        tag, at = _varint(message, at)
        wire = tag & 7
        if wire == 0:
            _, at = _varint(message, at)
        elif wire == _BYTES:
            size, at = _varint(message, at)
            inner = fields.get(tag >> 3)
            if inner is not None and inner.message_type is not None:
                left = _count(message[at : at + size], inner.message_type, left, depth - 1)
            at += size
        elif wire in _SKIPPED:
            at += _SKIPPED[wire]
        else:
            raise ValueError("a group, or what is no field")
    if at > end:
        raise ValueError("cut off")
    return left


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = shift = 0
    for position in range(at, min(at + 10, len(message))):
        digit = message[position]
        value |= (digit & 0x7F) << shift
        if digit < 0x80:
            return value, position + 1
        shift += 7
    raise ValueError("a number without an end")
