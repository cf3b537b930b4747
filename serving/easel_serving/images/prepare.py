"""The images that people have, as bytes that every served graph decodes: JPEG or PNG, 8-bit, sRGB.

The graphs decode JPEG and PNG and apply a JPEG's EXIF orientation themselves; such bytes pass unchanged. All else
(WebP, HEIC, TIFF, GIF, BMP, CMYK, palettes, transparency, 16 bits, wide-gamut profiles) is converted as the pipeline's
ingest does: upright, transparent pixels over white.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from easel_serving.images import formats, srgb
from easel_serving.protocol.errors import ServingError

MAX_PIXELS = 100_000_000
"""Larger images are refused before they are decoded: a small file can unpack to gigabytes."""

Source = str | Path | bytes | Image.Image | np.ndarray
"""An image as programs have it: a file, a file's bytes, a Pillow image, an array uint8 [H, W, 3] or [H, W]."""

_DIRECT = {"JPEG": ("RGB", "L"), "MPO": ("RGB", "L"), "PNG": ("RGB", "L")}


def read(path: str | Path) -> bytes:
    """The bytes to send for an image file.

    Raises:
        ServingError: there is no such file, or it is not an image that can be read.
    """
    return convert(checked(path), str(path))


def checked(path: str | Path) -> bytes:
    """A file's bytes as they are.

    Raises:
        ServingError: there is no such file, it is not an image, or one of more than `MAX_PIXELS`.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ServingError(f"{path}: {error.strerror or error}") from None
    with readable(str(path)):
        _check_size(formats.open_image(data), str(path))
    return data


def size(data: bytes, name: str = "image", among: Sequence[str] = formats.FORMATS) -> tuple[int, int]:
    """Width and height in pixels as they are stored, from the header alone.

    Raises:
        ServingError: the bytes are no image in one of these formats, or would cost more than their picture is worth.
    """
    with readable(name):
        return formats.open_image(data, among).size


def left_out(path: str | Path) -> str:
    """What a file holds besides the one picture that is used: `pages`, `frames`, `images`; empty for nothing.

    Raises:
        ServingError: as `read`.
    """
    with readable(str(path)), open(path, "rb") as file:
        return formats.left_out(formats.open_image(file))


def convert(data: bytes, name: str = "image") -> bytes:
    """The bytes to send for an image in any format; `name` is for the message.

    Raises:
        ServingError: the bytes are not an image that can be read, are cut off, or have more than `MAX_PIXELS`.
    """
    with readable(name):
        image = formats.open_image(data)
        _check_size(image, name)
        if _passes(image):
            width, height = image.size
            # A cut-off file shows only when its whole stream is read; at an eighth of the size that costs little.
            image.draft(image.mode, (width // 8, height // 8))
            image.load()
            return data
        return _png(upright_rgb(image))


def encode(source: Source, name: str = "image") -> bytes:
    """The bytes to send for an image in any form, upright as they are: also for servers that know nothing of EXIF.

    Raises:
        ServingError: as `read` and `convert`, or an array of another type or shape; `name` is for the message.
    """
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or not (source.ndim == 2 or (source.ndim == 3 and source.shape[2] == 3)):
            raise ServingError(
                f"{name}: an array must be uint8 [H, W, 3] or [H, W], not {source.dtype} {list(source.shape)}"
            )
        return _png(Image.fromarray(source))
    if isinstance(source, Image.Image):
        with readable(name):
            return _png(upright_rgb(source))
    if isinstance(source, bytes):
        return _turned(convert(source, name))
    return _turned(read(source))


def pixels(data: bytes, name: str = "image", among: Sequence[str] = formats.FORMATS) -> np.ndarray:
    """An image's upright pixels, uint8 [H, W, 3]; raises like `convert`, or for a format that is not `among` those."""
    with readable(name):
        image = formats.open_image(data, among)
        _check_size(image, name)
        return np.asarray(upright_rgb(image))


def upright_rgb(image: Image.Image) -> Image.Image:
    """The image as it is seen, in mode RGB and in sRGB, transparent pixels over white; raises Pillow's errors."""
    return srgb.to_rgb(formats.upright(image))


def _turned(data: bytes) -> bytes:
    """A JPEG or PNG whose pixels are stored the way they are seen; a JPEG keeps its quality and subsampling."""
    image = formats.open_image(data)
    orientation = formats.orientation(image)
    if orientation == 1:
        return data
    tables = {number: np.reshape(table, (8, 8)) for number, table in image.quantization.items()}
    if orientation >= 5:  # rows become columns, also of the frequencies
        tables = {number: table.T for number, table in tables.items()}
    buffer = io.BytesIO()
    formats.upright(image).save(
        buffer,
        "JPEG",
        qtables={number: table.ravel().tolist() for number, table in tables.items()},
        subsampling=2 if JpegImagePlugin.get_sampling(image) == 2 else 0,
        icc_profile=image.info.get("icc_profile"),
    )
    return buffer.getvalue()


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ServingError(f"{name}: {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million are read")


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _passes(image: Image.Image) -> bool:
    # Of PNGs, older versions' graphs do not know the orientation.
    upright = image.format in ("JPEG", "MPO") or formats.orientation(image) == 1
    plain = image.mode in _DIRECT.get(image.format, ()) and "transparency" not in image.info
    return upright and plain and srgb.is_srgb(image)


@contextlib.contextmanager
def readable(name: str) -> Iterator[None]:
    """What Pillow raises inside, for an image called `name`, becomes a ServingError of one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except ServingError:
        raise
    except UnidentifiedImageError:
        raise ServingError(f"{name}: not an image in a known format") from None
    except Image.DecompressionBombError:
        raise ServingError(f"{name}: too many pixels; at most {MAX_PIXELS // 1_000_000} million are read") from None
    except Exception as error:  # Pillow's readers raise whatever they stumble over
        raise ServingError(f"{name}: cannot be read as an image ({error})") from None
