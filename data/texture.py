"""What the drawn photos and paintings share: smooth random fields, colours and blends on float images in 0..1."""

import colorsys

import cv2
import numpy as np


def noise(rng: np.random.Generator, height: int, width: int, cells: float, octaves: int = 1) -> np.ndarray:
    """A smooth random field, float32 [height, width], mean about 0, range about -1..1.

    `cells` is how many independent values lie along the width; every further octave halves their size and weight.
    """
    field = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        columns = max(2, round(cells * 2**octave))
        rows = max(2, round(columns * height / width))
        grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
        field += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    return field


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """An RGB colour, float32 [3] in 0..1; `hue` is a turn of the wheel and may lie outside 0..1."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32)


def luma(rgb: np.ndarray) -> np.ndarray:
    """Perceived brightness (Rec. 601) of colours [..., 3], in the colours' own range."""
    return rgb @ np.array([0.299, 0.587, 0.114], np.float32)


def mix(below: np.ndarray, above: np.ndarray, amount: np.ndarray | float) -> np.ndarray:
    """`below` where `amount` is 0, `above` where it is 1; images or colours [..., 3], `amount` [H, W] or a number."""
    amount = np.asarray(amount, np.float32)
    if amount.ndim:
        amount = amount[..., None]
    return below + (above - below) * amount


def step(field: np.ndarray, edge: float, softness: float) -> np.ndarray:
    """0 well below `edge`, 1 well above it, and a smooth ramp of width 2 * `softness` between."""
    ramp = np.clip((field - edge) / (2 * softness) + 0.5, 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def to_bytes(image: np.ndarray) -> np.ndarray:
    """A float image in 0..1 as uint8, clipped and rounded."""
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
