"""Which part of a photo is painted: white is, black is not, grey is in between."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from easel_serving.images import formats, prepare
from easel_serving.protocol.errors import ServingError

_SAME_PROPORTIONS = 0.02


def read(path: str | Path, height: int, width: int) -> np.ndarray:
    """A mask for a photo of that size: uint8 [height, width]; transparent pixels count as black.

    Raises:
        ServingError: the file cannot be read, or has other proportions than the photo. Of another size, it is resized.
    """
    return decoded(prepare.checked(path), height, width, str(path))


def decoded(data: bytes, height: int, width: int, name: str = "mask") -> np.ndarray:
    """The same of a file's bytes; `name` is for messages."""
    with prepare.readable(name):
        image = formats.upright(formats.open_image(data))
        if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA"):
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
        mask = np.asarray(image.convert("L"))
    rows, columns = mask.shape
    rounding = 1 / min(rows, columns, height, width)
    if abs(columns * height / (rows * width) - 1) > _SAME_PROPORTIONS + rounding:
        raise ServingError(
            f"{name}: a mask of {columns} x {rows} pixels does not fit a photo of {width} x {height}; "
            "it may have another size, but not other proportions"
        )
    return resized(mask, height, width)


def resized(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask in another size, uint8 [height, width]."""
    if mask.shape == (height, width):
        return mask
    smaller = mask.shape[0] > height
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
