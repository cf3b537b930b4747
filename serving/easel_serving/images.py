"""The images that people have, as bytes that every served graph decodes: JPEG or PNG, 8-bit, sRGB.

The graphs decode JPEG and PNG and apply a JPEG's EXIF orientation themselves; such bytes pass unchanged. All else
(WebP, HEIC, TIFF, GIF, BMP, CMYK, palettes, transparency, 16 bits, wide-gamut profiles) is converted as the pipeline's
ingest does: upright, transparent pixels over white.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin, UnidentifiedImageError

from easel_serving.errors import ServingError

try:
    from pillow_heif import register_heif_opener
except ImportError:  # HEIC is then an unknown format, and said to be one
    pass
else:
    register_heif_opener()

MAX_PIXELS = 100_000_000
"""Larger images are refused before they are decoded: a small file can unpack to gigabytes."""

Source = str | Path | bytes | Image.Image | np.ndarray
"""An image as programs have it: a file, a file's bytes, a Pillow image, an array uint8 [H, W, 3] or [H, W]."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".tif", ".tiff", ".gif", ".bmp")
"""How names of image files end: a name that ends so is not a painting's."""

_ORIENTATION = 0x0112
_DIRECT = {"JPEG": ("RGB", "L"), "PNG": ("RGB", "L")}
_DEEP = ("I", "I;16", "I;16L", "I;16B")


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
        _check_size(Image.open(io.BytesIO(data)), str(path))
    return data


def convert(data: bytes, name: str = "image") -> bytes:
    """The bytes to send for an image in any format; `name` is for the message.

    Raises:
        ServingError: the bytes are not an image that can be read, are cut off, or have more than `MAX_PIXELS`.
    """
    with readable(name):
        image = Image.open(io.BytesIO(data))
        _check_size(image, name)
        if _passes(image):
            width, height = image.size
            # A cut-off file shows only when its whole stream is read; at an eighth of the size that costs little.
            image.draft(image.mode, (width // 8, height // 8))
            image.load()
            return data
        return _png(_upright_rgb(image))


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
            return _png(_upright_rgb(source))
    if isinstance(source, bytes):
        return _turned(convert(source, name))
    return _turned(read(source))


def pixels(data: bytes, name: str = "image") -> np.ndarray:
    """An image's upright pixels, uint8 [H, W, 3]; raises like `convert`."""
    with readable(name):
        image = Image.open(io.BytesIO(data))
        _check_size(image, name)
        return np.asarray(_upright_rgb(image))


def _turned(data: bytes) -> bytes:
    """A JPEG or PNG whose pixels are stored the way they are seen; a JPEG keeps its quality and subsampling."""
    image = Image.open(io.BytesIO(data))
    orientation = image.getexif().get(_ORIENTATION, 1)
    if not isinstance(orientation, int) or not 2 <= orientation <= 8:
        return data
    tables = {number: np.reshape(table, (8, 8)) for number, table in image.quantization.items()}
    if orientation >= 5:  # rows become columns, also of the frequencies
        tables = {number: table.T for number, table in tables.items()}
    buffer = io.BytesIO()
    ImageOps.exif_transpose(image).save(
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
    upright = image.format == "JPEG" or image.getexif().get(_ORIENTATION, 1) == 1
    return upright and image.mode in _DIRECT.get(image.format, ()) and "transparency" not in image.info and _srgb(image)


def _srgb(image: Image.Image) -> bool:
    profile = image.info.get("icc_profile")
    if not profile:
        return True
    try:
        return "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError):
        return True


def _upright_rgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode in _DEEP:
        image = Image.fromarray((np.asarray(image).astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        image = image.convert("RGBA")
        canvas = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(canvas, image).convert("RGB")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    if profile:
        # A broken profile, or one for other pixels than these, is left out of account.
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB")


@contextlib.contextmanager
def readable(name: str) -> Iterator[None]:
    """What Pillow raises inside, for an image called `name`, becomes a ServingError of one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except UnidentifiedImageError:
        raise ServingError(f"{name}: not an image in a known format") from None
    except Image.DecompressionBombError:
        raise ServingError(f"{name}: too many pixels; at most {MAX_PIXELS // 1_000_000} million are read") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ServingError(f"{name}: cannot be read as an image ({error})") from None
