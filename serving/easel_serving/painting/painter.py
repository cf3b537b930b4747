"""From a photo and layers of style to pictures. Images: uint8 [H, W, 3]."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from easel_serving.painting import colours, enlarging, masks, retouch, tiles
from easel_serving.painting.engines import STYLE_SIDE, Brushed, Code, Engine, faded
from easel_serving.painting.tiled import MEASURED
from easel_serving.protocol.errors import ServingError

PREVIEW = 256
"""Longest side in pixels of the picture that is there first."""
_FAITHFUL = 2
"""How many pixels are painted, at most, of one of the photo's."""


@dataclass(frozen=True)
class Layer:
    """A style and where it is painted; later layers cover earlier ones."""

    code: Code
    mask: np.ndarray | None = None
    """uint8 [H, W] of the photo's size, 255 where it is painted; None is everywhere."""


@dataclass(frozen=True)
class Finish:
    """How the picture is to look apart from its style."""

    strength: float = 1.0
    """0 is the photo itself."""
    keep_luminance: bool = False
    """Whether only the luminance is painted, and the colours are the photo's."""
    brush: int | None = None
    """See `engines.Brushed`; None paints strokes as the network does."""
    denoise: float = 0.0
    """See `retouch.denoised`."""
    sharpen: float = 0.0
    """See `retouch.sharpened`."""
    enlarge: enlarging.Enlarge = enlarging.bicubic
    """What brings a picture that was painted smaller to its size."""


def paint(
    engine: Engine, photo: np.ndarray, layers: Sequence[Layer], wishes: Finish = Finish(), *, preview: bool = True
) -> Iterator[np.ndarray]:
    """Paints a photo: yields a small picture soon, then the whole one; photos that are small already, once.

    `preview` says whether somebody wants the small picture.

    Raises:
        ServingError: a strength outside 0..1.
    """
    if not 0 <= wishes.strength <= 1:
        raise ServingError(f"strength {wishes.strength}: must be between 0 and 1")
    if preview and max(photo.shape[:2]) > 2 * PREVIEW:
        yield _painted(_brushed(engine, wishes, PREVIEW / max(photo.shape[:2])), *_small(photo, layers), wishes)
    yield _painted(_brushed(engine, wishes), photo, layers, wishes)


def print_brush(shape: Sequence[int], scale: float) -> int | None:
    """The brush with which a large picture looks painted, and takes a fraction of the time.

    It is painted no larger than the photo really is, nor than a network paints in one piece (`tiled.MEASURED`), and
    enlarged twice or four times.

    Args:
        shape: height and width of the picture in pixels.
        scale: how large its sides are beside the photo's.

    Returns:
        See `Finish.brush`.
    """
    area = shape[0] * shape[1]
    most = min(_FAITHFUL * area / scale**2, MEASURED)
    factor = next((factor for factor in (1, 2) if area / factor**2 <= most), 4)
    return None if factor == 1 else factor * STYLE_SIDE


def _brushed(engine: Engine, wishes: Finish, scale: float = 1.0) -> Engine:
    """The engine with the wished brush, in a picture that is `scale` times as large as the one that it is for."""
    brush = wishes.brush
    if brush is not None and brush > STYLE_SIDE:
        brush = max(STYLE_SIDE, round(brush * scale))
    return engine if brush in (None, STYLE_SIDE) else Brushed(engine, brush, wishes.enlarge)


def _painted(engine: Engine, photo: np.ndarray, layers: Sequence[Layer], wishes: Finish) -> np.ndarray:
    height, width = photo.shape[:2]
    picture = photo.copy()
    for layer in layers:
        if layer.mask is not None and not layer.mask.any():
            continue
        part = engine.part_painter(photo, layer.code, wishes.strength)
        if not isinstance(layer.code, str):
            part = faded(part, photo, wishes.strength)
        for box in tiles.boxes(height, width):
            mask = None if layer.mask is None else layer.mask[box]
            if mask is None or mask.any():
                painted = part(box)
                painted = colours.with_luminance(photo[box], painted) if wishes.keep_luminance else painted
                picture[box] = painted if mask is None else blended(picture[box], painted, mask)
    finished = retouch.sharpened(retouch.denoised(picture, wishes.denoise), wishes.sharpen)
    if finished is not picture and all(layer.mask is not None for layer in layers):
        # Where nothing was painted, the photo stays as it was.
        finished = blended(photo, finished, np.maximum.reduce([layer.mask for layer in layers]))
    return finished


def _small(photo: np.ndarray, layers: Sequence[Layer]) -> tuple[np.ndarray, list[Layer]]:
    scale = PREVIEW / max(photo.shape[:2])
    height, width = (max(1, round(size * scale)) for size in photo.shape[:2])
    reduced = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    fitting = [None if layer.mask is None else masks.resized(layer.mask, height, width) for layer in layers]
    return reduced, [Layer(layer.code, mask) for layer, mask in zip(layers, fitting, strict=True)]


def blended(below: np.ndarray, above: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """One picture over another, as far as the mask says: uint8 [H, W], 255 is `above` alone."""
    share = mask[..., np.newaxis].astype(np.float32) / 255
    return np.rint(below + share * (above.astype(np.float32) - below)).astype(np.uint8)
