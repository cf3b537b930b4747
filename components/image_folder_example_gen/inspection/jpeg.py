"""What a JPEG's headers say, read from its markers (ITU-T T.81, annex B), and a quick decode of plain ones."""

import re
from typing import NamedTuple

import cv2
import numpy as np

BASELINE_OR_PROGRESSIVE = (0xC0, 0xC1, 0xC2)
"""Start-of-frame markers that every decoder reads; arithmetic coding and lossless JPEG are not among them."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
_SCAN, _END = 0xDA, 0xD9
_BETWEEN_SCANS = frozenset({_SCAN, 0xC4, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""Scans and, between them, tables, the number of lines, restart intervals, comments and applications' segments."""
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")
"""The end of a scan: neither a stuffed byte nor a restart marker."""
_CHANGES_THE_PICTURE = frozenset({0xE1, 0xE2, 0xEE})
"""EXIF's orientation, colour profiles and multi-picture files, and Adobe's mark of another colour space."""
_FLAGS = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_REDUCED = {
    1: cv2.IMREAD_COLOR | _FLAGS,
    2: cv2.IMREAD_REDUCED_COLOR_2 | _FLAGS,
    4: cv2.IMREAD_REDUCED_COLOR_4 | _FLAGS,
    8: cv2.IMREAD_REDUCED_COLOR_8 | _FLAGS,
}


class Header(NamedTuple):
    """What is known before the first scan."""

    frame: int
    """The start-of-frame marker, `0xC0`-`0xCF`."""
    width: int
    height: int
    components: int
    segments: frozenset[int]
    """Markers of all segments."""
    scan: int
    """Where the first scan begins, in bytes."""


def header(data: bytes) -> Header | None:
    """The headers of the first frame; None when they are damaged or say nothing of the height."""
    position, frame, segments = 2, None, set()
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _ALONE:
            position += 2
        elif marker == _SCAN:
            return Header(*frame, frozenset(segments), position) if frame and frame[1] and frame[2] else None
        else:
            if marker in _FRAMES and position + 10 <= len(data):
                height, width = (int.from_bytes(data[position + at : position + at + 2], "big") for at in (5, 7))
                frame = frame or (marker, width, height, data[position + 9])
            segments.add(marker)
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def is_plain(data: bytes, found: Header) -> bool:
    """Whether every decoder shows the same upright sRGB picture: one sound scan, grey or YCbCr, nothing said otherwise.

    That the end of the image follows the scan is looked at here because OpenCV would not tell.
    """
    usual = found.frame in BASELINE_OR_PROGRESSIVE and found.components in (1, 3)
    if not usual or found.segments & _CHANGES_THE_PICTURE:
        return False
    start = found.scan + 2 + int.from_bytes(data[found.scan + 2 : found.scan + 4], "big")
    end = _MARKER.search(data, start)
    return end is not None and end.group() == b"\xff\xd9"


def ends_properly(data: bytes, found: Header) -> bool:
    """Whether an end-of-image marker follows the scans, and nothing but what may lie between scans comes before it.

    Without it decoders invent the missing rows or fail, as they please; and a marker that does not belong there, where
    bytes of a scan are damaged, some pass over and TensorFlow does not.
    """
    position = found.scan
    while position + 2 <= len(data):
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker == _END or marker not in _BETWEEN_SCANS:
            return marker == _END
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == _SCAN:
            end = _MARKER.search(data, position)
            position = end.start() if end else len(data)
        elif data[position : position + 1] != b"\xff":
            return False
    return False


def decode_reduced(data: bytes, factor: int) -> np.ndarray | None:
    """A plain JPEG decoded at 1 / `factor` (1, 2, 4 or 8) of its size in the DCT domain.

    Half again as fast as Pillow, whose reader works piece by piece.

    Returns:
        uint8 [height, width, 3], RGB; None when it cannot be decoded.
    """
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[factor])
    except cv2.error:
        return None
