"""Any pixels to 8-bit sRGB: colour profiles, CMYK, palettes, transparency and 16 bits."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

_TOLERANCE = 3
"""Levels of 255 by which a profile may differ from sRGB and still count as sRGB."""
_DEEP = ("I;16", "I;16L", "I;16B")
_BITS = 258
"""TIFF's tag BitsPerSample."""


class UnsupportedPixels(ValueError):
    """Pixels of which nobody can say how bright they are meant to be: 32 bits, floating-point numbers, 12 bits."""


def is_srgb(image: Image.Image) -> bool:
    """Whether the pixels can be taken for sRGB: no colour profile, or one that is broken or changes next to nothing."""
    profile = image.info.get("icc_profile")
    return not profile or image.mode not in ("L", "RGB", "RGBA") or _is_neutral(profile, image.mode[:3])


def to_rgb(image: Image.Image, background: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """The image in mode RGB and in sRGB, transparent pixels over `background`.

    `image` is upright, as Pillow decodes it; `background` is RGB, 0..255.

    Raises:
        UnsupportedPixels: they are neither of 8 nor of 16 bits.
    """
    profile = image.info.get("icc_profile")
    if image.mode == "F":
        raise UnsupportedPixels("floating-point pixels; only 8 and 16 bits are read")
    if image.mode == "I":
        raise UnsupportedPixels("32-bit pixels; only 8 and 16 bits are read")
    if image.mode in _DEEP:
        if 12 in getattr(image, "tag_v2", {}).get(_BITS, ()):
            raise UnsupportedPixels("12-bit pixels; only 8 and 16 bits are read")
        image = Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        rgba = image.convert("RGBA")
        canvas = Image.new("RGB", image.size, background)
        canvas.paste(_managed(rgba.convert("RGB"), profile), mask=rgba.getchannel("A"))
        return canvas
    if image.mode not in ("L", "RGB", "CMYK", "LAB"):
        image = image.convert("RGB")
    return _managed(image, profile)


def _managed(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB; a profile that is broken or for other pixels than these is left out of account."""
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _lab())
    transform = _transform(profile, image.mode) if profile else None
    return ImageCms.applyTransform(image, transform) if transform else image.convert("RGB")


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


@functools.cache
def _lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")


@functools.lru_cache(maxsize=64)
def _is_neutral(profile: bytes, mode: str) -> bool:
    transform = _transform(profile, mode)
    if transform is None:
        return True
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    lattice = np.stack(np.meshgrid(*[levels] * 3), -1).reshape(1, -1, 3) if mode == "RGB" else levels[None]
    before = Image.fromarray(lattice)
    after = np.asarray(ImageCms.applyTransform(before, transform), np.int16)
    return int(np.abs(after - np.asarray(before.convert("RGB"), np.int16)).max()) <= _TOLERANCE
