"""Which image files are read, which way up they are, and what of them: one answer for ingest, clients and servers.

The orientation is EXIF's (2.32, tag 0x0112), where the format's standard puts it: in a JPEG's first Exif segment, a
PNG's `eXIf` chunk before the pixels, WebP's `EXIF` chunk, a TIFF's first directory; AVIF and HEIF turn by properties of
their own. What XMP says of it is not looked at, as in browsers. The graphs do the same for what they decode
(`trainer.images.decoding.decode`).
"""

import contextlib
import struct
import warnings
from collections.abc import Sequence
from typing import BinaryIO

from PIL import Image

from easel_serving.images import guards

FORMATS = ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF"]
"""Pillow's names of the readers that are used; JPEG's reads MPO, too. Not all that there are: some start programs."""

with contextlib.suppress(ImportError):  # HEIC photos, when the optional package is installed
    import pillow_heif

    pillow_heif.register_heif_opener()
    FORMATS.append("HEIF")

SERVED = ("JPEG", "PNG", "BMP")
"""What the served graphs decode, whichever TensorFlow runs them, without unpacking an animation's every frame."""

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff"}
    | {".avif", ".heic", ".heif", ".hif"}
)
"""How names of image files end, in lower case: a name that ends so is not a painting's."""

_ORIENTATION, _SUBFILE, _TILE_WIDTH, _TILE_HEIGHT = 0x0112, 254, 322, 323
_SHORT, _LONG = 3, 4
_To = Image.Transpose
_UPRIGHT = {
    2: _To.FLIP_LEFT_RIGHT,
    3: _To.ROTATE_180,
    4: _To.FLIP_TOP_BOTTOM,
    5: _To.TRANSPOSE,
    6: _To.ROTATE_270,
    7: _To.TRANSVERSE,
    8: _To.ROTATE_90,
}
"""What puts an image upright under each orientation."""
_NOT_A_PAGE = 0b101
"""Bits of TIFF's NewSubfileType: a reduced copy, or a mask, of another image in the file."""
_PARTS = {"TIFF": "pages", "HEIF": "images"}


def open_image(data: bytes | BinaryIO, among: Sequence[str] = FORMATS) -> Image.Image:
    """Opens an image lazily: only the header is read. `among` are the formats of `FORMATS` that are taken.

    Raises:
        PIL.UnidentifiedImageError: the content is in none of them. ValueError: it would cost much more than its picture
            is worth (`easel_serving.images.guards`). Other exceptions of Pillow's: its header is damaged.
    """
    file = data
    if isinstance(data, bytes):
        guards.check(data)
        file = guards.Bounded(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes and of odd metadata: both are looked at by who asks
        image = Image.open(file, formats=among)
    if isinstance(file, guards.Bounded):
        file.opened()
    if image.format == "TIFF":
        guards.check_tile(image.tag_v2.get(_TILE_WIDTH, 0), image.tag_v2.get(_TILE_HEIGHT, 0), image.size)
        image.info.pop("xmp", None)  # Pillow, which turns a TIFF when it decodes it, would turn it by what is in there
    return image


def orientation(image: Image.Image) -> int:
    """The orientation under which Pillow hands over the image's pixels, 1..8; 1 when there is none, or no valid one."""
    if image.format == "TIFF":
        return 1  # its size is the upright one from the beginning, and its pixels are turned when they are decoded
    return _tiff_orientation(image.info.get("exif") or b"")


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height, in pixels, of `upright(image)`."""
    return image.size if orientation(image) <= 4 else image.size[::-1]


def upright(image: Image.Image) -> Image.Image:
    """The image as a person should see it; itself where its pixels are stored so."""
    turn = _UPRIGHT.get(orientation(image))
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.info.pop("exif", None)  # which would have it turned again
    return turned


def left_out(image: Image.Image) -> str:
    """What the file holds besides the one picture that is used: `pages`, `frames` or `images`; empty for nothing.

    Thumbnails and the like, such as the second picture of a stereo camera, do not count. To be asked before the pixels
    are decoded.
    """
    if image.format == "MPO":
        return ""
    try:
        more = _has_pages(image) if image.format == "TIFF" else getattr(image, "is_animated", False)
    except Exception:  # what a damaged second picture makes Pillow raise: there is nothing to be left out
        return ""
    return _PARTS.get(image.format, "frames") if more else ""


def _has_pages(image: Image.Image) -> bool:
    """Whether a TIFF has a second page."""
    number = 1
    try:
        while True:
            image.seek(number)
            if not image.tag_v2.get(_SUBFILE, 0) & _NOT_A_PAGE:
                return True
            number += 1
    except EOFError:
        return False
    finally:
        image.seek(0)
        image.info.pop("xmp", None)


def _tiff_orientation(block: bytes) -> int:
    """The valid orientation in the first directory of a TIFF structure, as EXIF has it, else 1."""
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, directory)
    except struct.error:
        return 1
    first = directory + 2
    for entry in range(first, min(first + 12 * count, len(block) - 11), 12):
        tag, kind = struct.unpack_from(f"{order}HH", block, entry)
        if tag == _ORIENTATION and kind in (_SHORT, _LONG):
            (value,) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), block, entry + 8)
            if 1 <= value <= 8:
                return value
    return 1
