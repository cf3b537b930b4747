"""What of a photo is painted when nobody draws a mask: its subject, or what is around it."""

from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, top, width and height, in pixels."""


@dataclass(frozen=True)
class Part:
    """A part that `subject.masked` finds."""

    background: bool = False
    """Whether it is what is around the subject, not the subject itself."""
    box: Box | None = None
    """Around the subject, in pixels of the photo's file."""
    or_all: bool = False
    """Whether the whole photo is painted when there is no subject."""


def parse_box(text: str) -> Box:
    """A box from `LEFT,TOP,WIDTH,HEIGHT` in pixels; raises ValueError for anything else."""
    try:
        left, top, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no box; use LEFT,TOP,WIDTH,HEIGHT in pixels") from None
    if not (0 <= left < 1e6 and 0 <= top < 1e6 and 0 < width < 1e6 and 0 < height < 1e6):
        raise ValueError(f"{text[:40]!r} is no box; its sides are larger than 0, its corner is in the photo")
    return left, top, width, height
