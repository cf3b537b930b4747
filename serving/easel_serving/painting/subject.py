"""Finds a photo's subject without a drawn mask, by GrabCut (Rother et al. 2004, "GrabCut": iterated graph cuts)."""

import cv2
import numpy as np

from easel_serving.painting.part import Box, Part
from easel_serving.protocol.errors import ServingError

_SIDE = 400
"""Longest side in pixels of the copy that is cut: the time grows with its area, the outline hardly changes."""
_ROUNDS = 5
_EDGE, _CENTRE = 0.04, 0.3
"""Without a box: the rim that is background for sure, and the half axes of the ellipse that is likely the subject."""
_FEATHER = 0.004
"""Standard deviation of the soft edge, as a share of the longest side."""
_LEAST, _MOST = 0.005, 0.97
"""What share of where it is looked for a subject may fill."""
_DIFFERENT = 0.3
"""How far the colours of subject and background are apart at least (Hellinger distance of histograms, 0..1)."""
_SPECK = 0.05
"""Parts smaller than this share of the largest one are no subjects."""


class NoSubject(ServingError):
    """Nothing stands out from the background."""


def masked(photo: np.ndarray, part: Part, scale: float = 1.0) -> np.ndarray | None:
    """The mask of the part of a photo that is to be painted, uint8 [H, W], or None for all of it.

    Args:
        photo: uint8 [H, W, 3], RGB.
        part: what is to be painted.
        scale: how large the photo is beside the file that the part's box was made for.

    Raises:
        ServingError: as `mask`.
    """
    try:
        found = mask(photo, part.box and tuple(side * scale for side in part.box))
    except NoSubject as error:
        if part.or_all:
            return None
        raise NoSubject(f"{error}; give a box around it, or ask for the whole photo instead") from None
    return 255 - found if part.background else found


def mask(photo: np.ndarray, box: Box | None = None) -> np.ndarray:
    """Where the subject is.

    Args:
        photo: uint8 [H, W, 3], RGB.
        box: around the subject; without one it is looked for in the middle.

    Returns:
        uint8 [H, W], 255 on the subject, 0 beside it, soft at its edge.

    Raises:
        NoSubject: nothing was found.
        ServingError: the box is not in the photo.
    """
    height, width = photo.shape[:2]
    if box is not None and (box[0] + 1 > width or box[1] + 1 > height):
        raise ServingError(f"box {box[0]:g},{box[1]:g}: lies outside of a photo of {width} x {height} pixels")
    scale = min(1.0, _SIDE / max(height, width))
    shape = max(3, round(height * scale)), max(3, round(width * scale))
    small = cv2.resize(photo, shape[::-1], interpolation=cv2.INTER_AREA)
    guess = _centre(*shape) if box is None else _inside(*shape, [side * scale for side in box])
    found = _cut(small, guess)
    soft = cv2.resize(found * np.float32(255), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.rint(cv2.GaussianBlur(soft, (0, 0), max(0.5, _FEATHER * max(height, width)))).astype(np.uint8)


def _centre(height: int, width: int) -> np.ndarray:
    guess = np.full((height, width), cv2.GC_BGD, np.uint8)
    rim = max(1, round(_EDGE * min(height, width)))
    guess[rim:-rim, rim:-rim] = cv2.GC_PR_BGD
    axes = max(1, round(_CENTRE * width)), max(1, round(_CENTRE * height))
    return cv2.ellipse(guess, (width // 2, height // 2), axes, 0, 0, 360, cv2.GC_PR_FGD, -1)


def _inside(height: int, width: int, box: list[float]) -> np.ndarray:
    left, top, wide, high = box
    guess = np.full((height, width), cv2.GC_BGD, np.uint8)
    rows = slice(int(top), max(int(top) + 1, min(height, round(top + high))))
    columns = slice(int(left), max(int(left) + 1, min(width, round(left + wide))))
    guess[rows, columns] = cv2.GC_PR_FGD
    return guess


def _cut(small: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The subject as 0 and 1, uint8 [h, w]."""
    where = guess != cv2.GC_BGD
    if where.all() or not (guess & 1).any():
        raise NoSubject("no subject was found: the box leaves no background around it")
    cv2.setRNGSeed(0)  # its clusters begin at random
    try:
        cut, *_ = cv2.grabCut(small, guess, None, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        raise NoSubject("no subject was found in the photo") from None
    found = _without_specks(((cut == cv2.GC_FGD) | (cut == cv2.GC_PR_FGD)).astype(np.uint8))
    share = found.sum() / where.sum()
    if not _LEAST <= share <= _MOST or _distance(small, found) < _DIFFERENT:
        raise NoSubject("no subject was found in the photo")
    return found


def _without_specks(found: np.ndarray) -> np.ndarray:
    count, parts, figures, _ = cv2.connectedComponentsWithStats(found)
    if count < 2:
        return found
    areas = figures[:, cv2.CC_STAT_AREA]
    large = areas >= _SPECK * areas[1:].max()
    large[0] = False
    return large[parts].astype(np.uint8)


def _distance(image: np.ndarray, found: np.ndarray) -> float:
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    ranges = [0, 256] * 3
    histograms = [
        cv2.calcHist([lab], [0, 1, 2], where.astype(np.uint8), [8, 8, 8], ranges) for where in (found, 1 - found)
    ]
    return cv2.compareHist(*histograms, cv2.HISTCMP_BHATTACHARYYA)
