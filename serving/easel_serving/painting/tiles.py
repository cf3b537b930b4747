"""Cutting pictures that are too large for one piece."""

from collections.abc import Callable, Iterator

import numpy as np

SIDE = 768
"""Side of a tile in pixels: the network's features for it and its surroundings take about 300 MB."""

Box = tuple[slice, slice]
"""Rows and columns of a picture."""
Part = Callable[[Box], np.ndarray]
"""Paints what is in a box: uint8 [h, w, 3]."""


def boxes(height: int, width: int, side: int = SIDE) -> Iterator[Box]:
    """Cuts a picture into boxes of at most `side` pixels; their corners are multiples of `side`."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield slice(top, min(height, top + side)), slice(left, min(width, left + side))


def around(box: Box, reach: int, height: int, width: int) -> Box:
    """The box with `reach` pixels more on each side, as far as the picture goes."""
    rows, columns = (
        slice(max(0, part.start - reach), min(size, part.stop + reach))
        for part, size in zip(box, (height, width), strict=True)
    )
    return rows, columns


def inside(box: Box, outer: Box) -> Box:
    """Where `box` is in what was cut out at `outer`."""
    rows, columns = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, outer, strict=True))
    return rows, columns


def assembled(part: Part, height: int, width: int) -> np.ndarray:
    """The whole picture of parts, uint8 [height, width, 3]."""
    picture = np.empty((height, width, 3), np.uint8)
    for box in boxes(height, width):
        picture[box] = part(box)
    return picture
