"""What protocol buffers' wire format puts before content: https://protobuf.dev/programming-guides/encoding."""

BYTES = 2
"""The wire type of what has a length: strings, bytes, messages and packed numbers."""


def header(number: int, size: int) -> bytes:
    """The tag and the length of field `number`, whose content of `size` bytes follows."""
    return varint(number << 3 | BYTES) + varint(size)


def varint(value: int) -> bytes:
    """A number from 0 on, seven bits in each byte, the lowest first."""
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)
