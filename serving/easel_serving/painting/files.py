"""Photos from files and pictures into files, with what print shops and archives want kept: EXIF, ICC profile, DPI."""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from easel_serving.images import formats, prepare
from easel_serving.painting import enlarging, paper, pdf
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import files as whole_files

_ORIENTATION, _X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x0112, 0x011A, 0x011B, 0x0128
# Tags by which a TIFF describes where its own pixels are: true of the photo's file only.
_STRUCTURE = (254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339)
_SCREEN = (72.0, 72.0)
"""The resolution of a PDF where nothing says one."""
_WITH_ALPHA = ("PNG", "TIFF", "WEBP")
# TIFF stays uncompressed: libtiff, which compresses, fails on EXIF's inner directories (a place, a camera's settings).
_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0, "optimize": True},
    "WEBP": {"quality": 95},
}


@dataclass(frozen=True)
class Photo:
    """A photo as it is seen, and what its file says besides."""

    pixels: np.ndarray
    """uint8 [H, W, 3], sRGB, upright; transparent pixels are over white."""
    alpha: np.ndarray | None = None
    """uint8 [H, W]; None where everything is opaque."""
    exif: Image.Exif | None = None
    profile: bytes | None = None
    """The ICC profile of the file, if it is one for RGB."""
    dpi: tuple[float, float] | None = None
    scale: float = 1.0
    """How large the pixels' sides are beside the file's."""


def read(
    path: str | Path,
    size: int | None = None,
    within: tuple[int, int] | None = None,
    enlarge: enlarging.Enlarge = enlarging.bicubic,
) -> Photo:
    """A photo in any common format.

    Args:
        path: the file.
        size: its longest side in pixels is to be this; None leaves it.
        within: shorter and longer side in pixels of what it is to fit, upright or across.
        enlarge: what brings it to that size.

    Raises:
        ServingError: the file cannot be read, is not an image or has too many pixels.
    """
    return decoded(prepare.checked(path), size, within, enlarge, str(path))


def decoded(
    data: bytes,
    size: int | None = None,
    within: tuple[int, int] | None = None,
    enlarge: enlarging.Enlarge = enlarging.bicubic,
    name: str = "photo",
) -> Photo:
    """The same of a file's bytes; `name` is for messages."""
    with prepare.readable(name):
        header = formats.open_image(data)
        dpi = header.info.get("dpi")
        exif = header.getexif()
        profile = header.info.get("icc_profile") if header.mode in ("RGB", "RGBA", "P") else None
        alpha = None
        if "transparency" in header.info or header.mode in ("LA", "PA", "RGBA"):
            alpha = np.asarray(formats.upright(header).convert("RGBA"))[..., 3].copy()
        header.close()
    photo = Photo(prepare.pixels(data, name), alpha, exif, profile, dpi if dpi and min(dpi) > 0 else None)
    return _scaled(photo, paper.scale(photo.pixels.shape[:2], size, within), enlarge, name)


def kind(path: str | Path) -> str:
    """Pillow's name of the format that a file's name asks for; raises ServingError for one that none is written in."""
    wanted = Image.registered_extensions().get(Path(path).suffix.lower())
    if wanted not in Image.SAVE:
        raise ServingError(f"{path}: name an image file, such as painted.png, painted.jpg or painted.tif")
    if wanted == "GIF":
        raise ServingError(f"{path}: a GIF holds 256 colours, too few for a painting; name a PNG, JPEG or TIFF file")
    return wanted


def write(
    picture: np.ndarray, path: str | Path, photo: Photo | None = None, dpi: float | None = None, bleed: int = 0
) -> None:
    """Writes uint8 [H, W, 3] in the format that the name asks for, whole or not at all.

    `photo` is whose EXIF, ICC profile, DPI and transparency the picture keeps, as far as the format can; `dpi`, for a
    print, comes before the photo's own. The picture's mirror images stand around it, `bleed` pixels wide: they are cut
    away with whatever a print shop's knife misses by.

    Raises:
        ServingError: the format cannot hold such a picture.
        OSError: the file cannot be written; its `filename` is `path`.
    """
    whole_files.write(Path(path), encoded(picture, kind(path), photo, dpi, bleed, str(path)))


def encoded(
    picture: np.ndarray,
    format: str,
    photo: Photo | None = None,
    dpi: float | None = None,
    bleed: int = 0,
    name: str = "picture",
) -> bytes:
    """The bytes of such a file, in a format as Pillow calls it; `name` is for messages."""
    photo = photo or Photo(picture)
    image, profile = _in_profile(Image.fromarray(_with_bleed(picture, bleed)), photo.profile)
    if photo.alpha is not None and format in _WITH_ALPHA and photo.alpha.shape == picture.shape[:2]:
        image.putalpha(Image.fromarray(_with_bleed(photo.alpha, bleed)))
    resolution = (dpi, dpi) if dpi else photo.dpi
    extra = {"icc_profile": profile, "exif": _exif(photo.exif, resolution)}
    if resolution:
        extra["dpi"] = resolution
    # In memory: what Pillow says of a full disk is "encoder error -2".
    buffer = io.BytesIO()
    try:
        if format == "PDF":
            pdf.write(image, buffer, resolution or _SCREEN, profile, bleed)
        else:
            image.save(buffer, format, **_OPTIONS.get(format, {}), **extra)
    except (OSError, ValueError) as error:
        raise ServingError(f"{name}: cannot be written ({error})") from None
    return buffer.getvalue()


def _scaled(photo: Photo, scale: float, enlarge: enlarging.Enlarge, name: str) -> Photo:
    height, width = photo.pixels.shape[:2]
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    if shape[0] * shape[1] > prepare.MAX_PIXELS:
        raise ServingError(f"{name}: {shape[1]} x {shape[0]} pixels are too many; ask for a smaller size")
    alpha = photo.alpha if photo.alpha is None else enlarging.bicubic(photo.alpha, *shape)
    return Photo(enlarge(photo.pixels, *shape), alpha, photo.exif, photo.profile, photo.dpi, scale)


def _with_bleed(image: np.ndarray, bleed: int) -> np.ndarray:
    return np.pad(image, [(bleed, bleed)] * 2 + [(0, 0)] * (image.ndim - 2), mode="symmetric") if bleed else image


def _in_profile(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes]:
    """SRGB pixels in the colours of the photo's own profile, with it; in sRGB where there is none or it is broken."""
    srgb = ImageCms.createProfile("sRGB")
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            target = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, srgb, target, outputMode="RGB"), profile
    return image, ImageCms.ImageCmsProfile(srgb).tobytes()


def _exif(exif: Image.Exif | None, resolution: tuple[float, float] | None) -> bytes:
    """The photo's EXIF for pixels that are upright, of another file and perhaps of another resolution."""
    kept = exif if exif is not None else Image.Exif()
    for tag in (*_STRUCTURE, _X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT):
        kept.pop(tag, None)
    if _ORIENTATION in kept:
        kept[_ORIENTATION] = 1
    if resolution:
        kept[_X_RESOLUTION], kept[_Y_RESOLUTION], kept[_RESOLUTION_UNIT] = *resolution, 2
    return kept.tobytes()
