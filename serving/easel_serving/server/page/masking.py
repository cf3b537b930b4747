"""Where on a photo its painting is seen: in a mask, on its subject, around it. Needs OpenCV (the extra `painting`).

The model paints whole photos, here as in TensorFlow Serving: what is not to be painted is laid over it afterwards.
"""

from collections.abc import Sequence

import numpy as np

from easel_serving.images import arrays, prepare
from easel_serving.painting import masks, subject
from easel_serving.painting.painter import blended
from easel_serving.painting.part import Part


def found(content: bytes, mask: bytes | None, part: Part | None) -> np.ndarray | None:
    """The mask that an upload or the photo itself gives, of the photo's size; None is everywhere.

    Args:
        content: the photo's file.
        mask: an image's file, white where the photo is painted.
        part: what is painted where there is no mask.

    Raises:
        ServingError: the mask cannot be read or has other proportions; there is no subject.
    """
    if mask is None and part is None:
        return None
    photo = prepare.pixels(content)
    return masks.decoded(mask, *photo.shape[:2]) if mask is not None else subject.masked(photo, part)


def composed(content: bytes, layers: Sequence[tuple[bytes, np.ndarray | None]]) -> bytes:
    """The photo under pictures of it, each seen in its mask.

    Args:
        content: the photo's file.
        layers: pictures' files and masks uint8 [H, W], from below; a mask that is None is everywhere.

    Returns:
        A file like the first picture's, of its size.
    """
    first = layers[0][0]
    height, width = prepare.pixels(first).shape[:2]
    picture = arrays.resize(prepare.pixels(content), height, width)
    for file, mask in layers:
        painted = arrays.resize(prepare.pixels(file), height, width)
        picture = painted if mask is None else blended(picture, painted, masks.resized(mask, height, width))
    return arrays.encode(picture, "png" if first.startswith(b"\x89PNG") else "jpeg")
