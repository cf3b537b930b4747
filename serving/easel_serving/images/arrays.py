"""Resizing and encoding pictures with Pillow, as the served graphs do it with TensorFlow. Images: uint8 [H, W, 3]."""

import io

import numpy as np
from PIL import Image


def resize(
    image: np.ndarray,
    height: int,
    width: int,
    aspect: str = "squash",
    method: Image.Resampling = Image.Resampling.BILINEAR,
) -> np.ndarray:
    """Resizes with antialiasing.

    `squash` distorts where the proportions differ, `crop` keeps the centre, `pad` adds black.
    """
    if aspect == "crop":
        image = _middle(image, within((height, width), image.shape[:2]))
    shape = within(image.shape[:2], (height, width)) if aspect == "pad" else (height, width)
    resized = np.asarray(Image.fromarray(image).resize((shape[1], shape[0]), method))
    if shape == (height, width):
        return resized
    canvas = np.zeros((height, width, 3), np.uint8)
    _middle(canvas, shape)[:] = resized
    return canvas


def bound(image: np.ndarray, max_side: int) -> np.ndarray:
    """Reduces an image, keeping its proportions, to a longest side of at most `max_side`; never enlarges."""
    if max(image.shape[:2]) <= max_side:
        return image
    return resize(image, *within(image.shape[:2], (max_side, max_side)), method=Image.Resampling.LANCZOS)


def mirrored(image: np.ndarray, side: int) -> np.ndarray:
    """The image in the middle of a square of `side` pixels, no smaller than itself; its mirror images fill the rest."""
    spare = [side - size for size in image.shape[:2]]
    return np.pad(image, [*((space // 2, space - space // 2) for space in spare), (0, 0)], mode="symmetric")


def unmirrored(square: np.ndarray, height: int, width: int) -> np.ndarray:
    """The inverse of `mirrored` for an image of that size."""
    return _middle(square, (height, width))


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Rounds float values and clips them to 0..255; any shape."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def encode(image: np.ndarray, format: str) -> bytes:
    """A file: `png`, or `jpeg` of quality 95 without chroma subsampling."""
    buffer = io.BytesIO()
    options = {"quality": 95, "subsampling": 0, "optimize": True} if format == "jpeg" else {}
    Image.fromarray(image).save(buffer, format, **options)
    return buffer.getvalue()


def within(shape: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, int]:
    """The largest (height, width) with the proportions of `shape` that fits in `target`, at least one pixel."""
    ratio = min(there / here for here, there in zip(shape, target, strict=True))
    height, width = (min(there, max(1, round(here * ratio))) for here, there in zip(shape, target, strict=True))
    return height, width


def _middle(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    top, left = ((size - part) // 2 for size, part in zip(image.shape[:2], shape, strict=True))
    return image[top : top + shape[0], left : left + shape[1]]
