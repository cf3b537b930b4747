"""Image files that are small and cost whoever opens them minutes or gigabytes, told by their structure.

Pillow's readers walk through a file's pieces in Python, one after the other, and hold what they find; its decoders, and
TensorFlow's, do what the file says as often as it says it. What no picture needs is refused before it costs anything.
"""

import io
import re
import struct

_STEPS = 2048
"""Reads until a header is understood: a photo takes some dozens, one for each segment, chunk or entry."""
_BYTES_A_STEP = 64
"""Of the file for each further read, in decoding."""
_SEGMENTS = 2048
_SCANS = 64
"""Walks over the whole picture; progressive JPEGs have about ten (ITU-T T.81, G.1.1)."""
_ENTRIES = 4096
_NUMBERS = 100_000
"""In one entry of a TIFF directory; most have the places of a picture's rows."""
_TILE = 2048 * 2048
"""Pixels of a tile, if the picture itself has no more."""

_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_END_OF_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_SCAN, _END = 0xDA, 0xD9
_ALONE = frozenset({0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})
"""Markers without a segment, or whose segment Pillow does not skip."""
_EXIF, _MULTI = b"Exif\0\0", b"MPF\0"

_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value, by TIFF's types."""
_BYTE_STRINGS = (1, 2, 6, 7)
_LAYOUT = frozenset({258, 273, 279, 320, 324, 325, 338, 339})
"""Tags whose values Pillow takes one by one, whatever their type: depths, places of strips and tiles, colours."""
_FURTHER = frozenset({0x8769, 0x8825, 0xA005})
"""Tags that hold the place of another directory: EXIF's own, the place, interoperability."""


class Bounded(io.BytesIO):
    """A file in memory that can be read in so many steps."""

    def __init__(self, data: bytes):
        super().__init__(data)
        self._left = _STEPS

    def read(self, size: int | None = -1, /) -> bytes:
        """As a file's; ValueError for one step too many."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("it is in more pieces than any picture needs")
        return super().read(size)

    def opened(self) -> None:
        """Allows the steps that decoding takes, once the header is understood."""
        self._left = _STEPS + len(self.getbuffer()) // _BYTES_A_STEP


def check(data: bytes) -> None:
    """Raises ValueError for a JPEG or TIFF that lists more than any picture needs. What is damaged passes."""
    if data.startswith(b"\xff\xd8\xff"):
        _check_jpeg(data)
    elif data.startswith((b"II", b"MM")):
        _check_directories(data)


def check_tile(width: int, height: int, picture: tuple[int, int]) -> None:
    """Raises ValueError for tiles that are much larger than the picture of which they are parts."""
    if width * height > max(_TILE, picture[0] * picture[1]):
        raise ValueError(f"its tiles have {width} x {height} pixels")


def _check_jpeg(data: bytes) -> None:
    """Looks at the segments and, where there may be many, at the scans."""
    exif: list[bytes] = []
    _walk(data, exif, many=data.count(b"\xff\xda") > _SCANS)
    _check_directories(b"".join(exif))  # which Pillow joins, too


def _walk(data: bytes, exif: list[bytes], many: bool) -> None:
    position, scans = 2, 0
    for _ in range(_SEGMENTS):
        found = _MARKER.search(data, position)
        if found is None:
            return
        code, position = found[1][0], found.end()
        if code in _ALONE:
            if code == _END and scans:
                return
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        segment = position + 2
        position += max(length, 2)
        if code == _SCAN:
            scans += 1
            if not many:
                return
            if scans > _SCANS:
                raise ValueError(f"it has more than {_SCANS} scans")
            end = _END_OF_SCAN.search(data, position)
            position = end.start() if end else len(data)
        elif code == 0xE1 and data.startswith(_EXIF, segment):
            exif.append(data[segment + len(_EXIF) : position])
        elif code == 0xE2 and data.startswith(_MULTI, segment):
            _check_directories(data[segment + len(_MULTI) : position])
    raise ValueError(f"it has more than {_SEGMENTS} segments")


def _check_directories(block: bytes) -> None:
    """Looks at the first directory of a TIFF structure and at those that belong to it."""
    order = "<" if block[:2] == b"II" else ">"
    if block[3:4] == b"+":
        raise ValueError("it is a BigTIFF of the byte order that few programs read")
    big = block[2:3] == b"+"
    try:
        (first,) = struct.unpack_from(order + "Q", block, 8) if big else struct.unpack_from(order + "I", block, 4)
        places, total = [first], 0
        for place in places:
            further, size = _check_directory(block, place, order, big)
            total += size
            if total > 2 * len(block) + 65536:  # the same bytes again and again, each time as another value
                raise ValueError("its metadata overlap")
            places += [other for other in further if other not in places][: len(_FURTHER)]
    except struct.error:
        return


def _check_directory(block: bytes, place: int, order: str, big: bool) -> tuple[list[int], int]:
    """The places of further directories, and the bytes of all values that stand elsewhere."""
    head, entry, inline = (8, order + "HHQQ", 8) if big else (2, order + "HHII", 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), block, place)
    if count > _ENTRIES:
        raise ValueError(f"it has {count} entries of metadata")
    further, total = [], 0
    for number in range(count):
        tag, kind, values, content = struct.unpack_from(entry, block, place + head + number * struct.calcsize(entry))
        if kind not in _WIDTHS:
            continue
        size = values * _WIDTHS[kind]
        if size > len(block):  # damaged: Pillow reads no further
            break
        if values > _NUMBERS and (tag in _LAYOUT or kind not in _BYTE_STRINGS):
            raise ValueError(f"it has {values} numbers in one entry")
        total += size if size > inline else 0
        if tag in _FURTHER:
            further.append(content)
    return further, total
