"""Cutting pictures that are too large for one piece."""

from collections.abc import Callable, Iterator

import numpy as np

SIDE = 768
"""Greatest side of a tile in pixels: the network's features for it and its surroundings take about 300 MB."""
MULTIPLE = 4
"""Sides and corners of what the network paints are multiples of this."""

Box = tuple[slice, slice]
"""Rows and columns of a picture."""
Part = Callable[[Box], np.ndarray]
"""Paints what is in a box: uint8 [h, w, 3]."""


def boxes(height: int, width: int, side: int = SIDE) -> Iterator[Box]:
    """Cuts a picture into boxes of at most `side` pixels, alike in size; their corners are multiples of `MULTIPLE`."""
    rows, columns = _step(height, side), _step(width, side)
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            yield slice(top, min(height, top + rows)), slice(left, min(width, left + columns))


def around(box: Box, reach: int, height: int, width: int, side: int = SIDE) -> Box:
    """The box with `reach` pixels more on each side, or more, as far as the picture goes.

    All boxes of a picture get surroundings of one size: LiteRT prepares itself anew for each size.
    """
    rows, columns = (_around(part, reach, size, side) for part, size in zip(box, (height, width), strict=True))
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


def _step(size: int, side: int) -> int:
    """The side of boxes that divide `size` evenly."""
    count = -(-size // side)
    return -(-size // (count * MULTIPLE)) * MULTIPLE


def _around(part: slice, reach: int, size: int, side: int) -> slice:
    inner = max(_step(size, side), -(-(part.stop - part.start) // MULTIPLE) * MULTIPLE)
    length = min(size, inner + 2 * reach)
    start = min(max(0, part.start - reach), size - length)
    return slice(start, start + length)
