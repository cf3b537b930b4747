"""Files and messages that mean harm: small ones that cost whoever reads them much time or memory.

Pure functions that need only Pillow: the tests, the fuzz and the soak send what they return.
"""

import gzip
import io
import struct
import zlib

from PIL import Image


def solid(format: str, size: tuple[int, int] = (64, 64), mode: str = "RGB", **options: object) -> bytes:
    """A sound picture of one colour."""
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, format, **options)
    return buffer.getvalue()


def eps() -> bytes:
    """What makes Pillow start Ghostscript, a program with a language of its own."""
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n" + b"0 0 moveto\n" * 50


def png_header(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is of any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, (b"IHDR", b"IDAT", b"IEND"), (header, zlib.compress(b""), b"")))


def png_bomb(side: int) -> bytes:
    """A sound PNG of `side` x `side` pixels in about a thousandth of them in bytes."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(3 * side + 1)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, (b"IHDR", b"IDAT", b"IEND"), (header, data, b"")))


def png_chunks(count: int) -> bytes:
    """A PNG with many chunks that are not needed, each of which a reader looks at."""
    whole = solid("PNG")
    return whole[:33] + _chunk(b"prVt", b"") * count + whole[33:]


def gif_frames(count: int, side: int) -> bytes:
    """An animation whose every frame has `side` x `side` pixels."""
    whole = solid("GIF", (side, side), "L")
    start = whole.index(b"," + struct.pack("<HHHH", 0, 0, side, side))
    return whole[:start] + whole[start:-1] * count + b";"


def gif_comment(size: int) -> bytes:
    """A GIF with a comment of so many bytes, in the blocks of 255 that the format has."""
    whole = solid("GIF", (4, 4), "L")
    start = whole.index(b"," + struct.pack("<HHHH", 0, 0, 4, 4))
    return whole[:start] + b"!\xfe" + (b"\xff" + b"x" * 255) * (size // 255) + b"\0" + whole[start:]


def jpeg_fill(count: int) -> bytes:
    """A JPEG with fill bytes between two markers, as many as its writer likes (ITU-T T.81, B.1.1.2)."""
    whole = solid("JPEG")
    return whole[:2] + b"\xff" * count + whole[2:]


def jpeg_segments(count: int) -> bytes:
    """A JPEG with empty segments of an application."""
    whole = solid("JPEG")
    return whole[:2] + b"\xff\xe9\0\2" * count + whole[2:]


def jpeg_scans(count: int, side: int) -> bytes:
    """A progressive JPEG whose last scan is there again and again: each is a walk over the whole picture."""
    whole = solid("JPEG", (side, side), "L", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * count + whole[-2:]


def jpeg_metadata(segments: int) -> bytes:
    """A JPEG whose EXIF has thousands of entries that all stand for the same bytes; readers copy them for each.

    Readers join the Exif segments of a file.
    """
    count, size = 3000, 20_000
    entries = [(0xC000 + number, 7, size, 8) for number in range(count)]
    block = _tiff(entries).ljust(size + 8, b"\0")
    exif = b"".join(
        b"\xff\xe1" + struct.pack(">H", 8 + len(part)) + b"Exif\0\0" + part
        for start in range(0, len(block), -(-len(block) // segments))
        for part in [block[start : start + -(-len(block) // segments)]]
    )
    whole = solid("JPEG")
    return whole[:2] + exif + whole[2:]


def tiff_strips(count: int) -> bytes:
    """A TIFF that lists as many strips of pixels as it likes, in four bytes each; readers make an object of each."""
    offsets = 8 + 2 + 12 * 8 + 4
    entries = [(256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
               (273, 4, count, offsets), (278, 4, 1, 1), (279, 4, count, offsets)]  # fmt: skip
    return _tiff(entries) + struct.pack("<I", 8) * count


def tiff_tile(side: int) -> bytes:
    """A TIFF of 16 x 16 pixels in one compressed tile of `side` x `side`."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(side)) for _ in range(side)) + packer.flush()
    place = 8 + 2 + 12 * 9 + 4
    entries = [(256, 4, 1, 16), (257, 4, 1, 16), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1),
               (322, 4, 1, side), (323, 4, 1, side), (324, 4, 1, place), (325, 4, 1, len(data))]  # fmt: skip
    return _tiff(entries) + data


def gzip_tail(body: bytes, size: int) -> bytes:
    """A compressed body and, behind its end, bytes that belong to nothing."""
    return gzip.compress(body) + bytes(size)


def example(image: bytes) -> bytes:
    """A serialized `tf.Example` with `image/encoded`."""
    value = _field(1, image)
    entry = _field(1, b"image/encoded") + _field(2, _field(1, value))
    return _field(1, _field(1, entry))


def example_like_bmp(image: bytes) -> bytes:
    """The same, with a field before it that nobody knows: its first bytes are `BM`, as of a BMP of 1 x 1 pixels."""
    bmp = struct.pack("<IIIIiiHHIIiiII", 200, 0, 54, 40, 1, 1, 1, 24, 0, 4, 1, 1, 0, 0) + bytes(4)
    return b"BM" + bmp.ljust(ord("M"), b"\0") + example(image)


def example_with_long_length(image: bytes) -> bytes:
    """The same, its length written with bits that a reader of 64 bits drops: other readers take it for cut off."""
    inner = example(image)[1:]
    size, at = 0, 0
    while True:
        digit = inner[at]
        size |= (digit & 0x7F) << 7 * at
        at += 1
        if digit < 0x80:
            break
    digits = bytearray()
    for position in range(9):
        digits.append(size >> 7 * position & 0x7F | 0x80)
    digits.append(0x7E)  # bits 64 to 69
    return b"\x0a" + bytes(digits) + inner[at:]


def polyglots() -> list[bytes]:
    """Files that begin like one format and are another."""
    beginnings = [b"BM", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"II*\0", b"%!PS"]
    return [begin + solid(format) for begin in beginnings for format in ("PNG", "JPEG", "BMP")]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _tiff(entries: list[tuple[int, int, int, int]]) -> bytes:
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + struct.pack("<I", 0)


def _field(number: int, content: bytes) -> bytes:
    size, digits = len(content), bytearray()
    while size > 0x7F:
        digits.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *digits, size]) + content
