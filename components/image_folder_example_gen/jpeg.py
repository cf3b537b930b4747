"""Which JPEG process a file uses, read from its markers (ITU-T T.81, annex B)."""

BASELINE_OR_PROGRESSIVE = (0xC0, 0xC1, 0xC2)
"""Start-of-frame markers that every decoder reads; arithmetic coding and lossless JPEG are not among them."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset(range(0xD0, 0xD9)) | {0x01}


def frame_marker(data: bytes) -> int | None:
    """The start-of-frame marker (`0xC0`-`0xCF`) of the first frame; None when the headers are damaged."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _ALONE:
            position += 2
        elif marker in _FRAMES:
            return marker
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def ends_properly(data: bytes) -> bool:
    """Whether an end-of-image marker is there: without it decoders invent the missing rows or fail, as they please."""
    return data.rfind(b"\xff\xd9") > 0
