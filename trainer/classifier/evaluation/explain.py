"""Where a classifier looks: what happens to a score when a part of the photo is hidden."""

from collections.abc import Callable

import numpy as np


def occlusion(score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, label: int, cells: int = 8) -> np.ndarray:
    """How much of the score of `label` each part carries (Zeiler & Fergus 2014, arXiv:1311.2901, section 4.2).

    A grey square of twice a cell's side is moved over the photo, centred on each cell. `score` makes scores [1, K] of
    pixels float32 [1, S, S, 3], as `image` is, 0..255; the map has `cells` in each direction.

    Returns:
        float [cells, cells]: by how much the square lowers the score; positive where the photo speaks for `label`.
    """
    side = len(image)
    edges = np.linspace(0, side, cells + 1)
    half = side / cells / 2
    whole = score(image[np.newaxis])[0, label]
    found = np.zeros((cells, cells))
    for row, column in np.ndindex(cells, cells):
        (top, bottom), (left, right) = (
            np.clip(np.round([edges[at] - half, edges[at + 1] + half]), 0, side).astype(int) for at in (row, column)
        )
        hidden = image.copy()
        hidden[top:bottom, left:right] = image.mean(axis=(0, 1))
        found[row, column] = whole - score(hidden[np.newaxis])[0, label]
    return found
