"""Which split an image belongs to."""

import hashlib
from collections.abc import Iterable

from components.image_folder_example_gen.records import Picture

NAMES = ("train", "eval")


Extremes = tuple[float, float]
"""The lowest and the highest draw in a class."""


def assign(picture: Picture, eval_fraction: float, extremes: Extremes) -> str:
    """`train` or `eval`: as the folders say, else by the content, which no renaming or adding of files changes.

    So that no class is without an image in either split, that of the lowest draw is always in eval and that of the
    highest in train. Only in a class so small that this matters can an added image change the split of another.

    Args:
      picture: the image.
      eval_fraction: expected share of the eval split.
      extremes: of the image's class.
    """
    if picture.source.split:
        return picture.source.split
    number = draw(picture.sha256)
    if number == extremes[1]:  # also the only image of its class: without a train image the class cannot be learned
        return "train"
    return "eval" if number == extremes[0] or number < eval_fraction else "train"


def merge(pairs: Iterable[Extremes]) -> Extremes:
    """The extremes of all that the pairs stand for."""
    lows, highs = zip(*pairs, strict=True)
    return min(lows), max(highs)


def draw(sha256: str) -> float:
    """A number in [0, 1) that depends on the content alone.

    The digest is hashed once more: data sets are themselves published in halves by digest, which would bias the split.
    """
    return int.from_bytes(hashlib.sha256(f"split {sha256}".encode()).digest()[:6], "big") / 2**48
