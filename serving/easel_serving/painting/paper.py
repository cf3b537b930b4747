"""Sizes of paper in pixels."""

import re
from collections.abc import Sequence

DPI = 300
"""Dots per inch of a print where nothing else is said."""
MAX_SIDE = 12_000
"""Longest side of a picture in pixels."""

_A_SERIES = {"A0": (841, 1189), "A1": (594, 841), "A2": (420, 594), "A3": (297, 420), "A4": (210, 297),
             "A5": (148, 210), "A6": (105, 148)}  # fmt: skip
_MILLIMETRES = {"mm": 1.0, "cm": 10.0, "in": 25.4}
_INCH = 25.4
MAX_BLEED = 20.0
"""Millimetres."""


def millimetres(text: str) -> tuple[float, float]:
    """Shorter and longer side of `A4`, `50x70cm`, `8x10in` or `100x150mm`; raises ValueError for anything else."""
    name = text.strip()
    if name.upper() in _A_SERIES:
        return _A_SERIES[name.upper()]
    match = re.fullmatch(r"(\d{1,5}(?:\.\d{1,3})?)\s*[xX\u00d7]\s*(\d{1,5}(?:\.\d{1,3})?)\s*(mm|cm|in)", name)
    if not match or not min(float(match[1]), float(match[2])) > 0:
        raise ValueError(f"{text[:40]!r} is no paper; use A0 to A6, or sides such as 50x70cm, 8x10in, 100x150mm")
    sides = sorted(float(match[i]) * _MILLIMETRES[match[3]] for i in (1, 2))
    return sides[0], sides[1]


def pixels(text: str, dpi: float) -> tuple[int, int]:
    """Shorter and longer side of a paper in pixels; raises ValueError for a longer one than `MAX_SIDE`."""
    shorter, longer = (max(1, round(side / _INCH * dpi)) for side in millimetres(text))
    if longer > MAX_SIDE:
        raise ValueError(
            f"{text} at {dpi:g} dpi is {longer} pixels long; at most {MAX_SIDE} are painted: ask for fewer dpi"
        )
    return shorter, longer


def scale(shape: Sequence[int], size: int | None, within: tuple[int, int] | None) -> float:
    """By what a photo's sides are multiplied: for a longest side of `size` pixels, and to fit `within`, either way up.

    1 where neither is asked for.
    """
    shorter, longer = sorted(shape)
    scales = [] if size is None else [size / longer]
    if within is not None:
        scales += [room / side for room, side in zip(sorted(within), (shorter, longer), strict=True)]
    return min(scales, default=1.0)


def bleed(millimetres: float, dpi: float) -> int:
    """Pixels of a margin that is cut away."""
    return round(millimetres / _INCH * dpi)


def honest(dpi: float, scale: float) -> str:
    """What is to be said of a photo whose pixels do not suffice for a print; empty where they do.

    Args:
        dpi: of the print.
        scale: how large the print's sides are beside the photo's, in pixels.
    """
    if scale <= 1:
        return ""
    return f"the photo has {dpi / scale:.0f} dpi at this size; what is finer on the print is painted, not photographed"
