"""Which split an image belongs to."""

import hashlib

from components.image_folder_example_gen.records import Picture

NAMES = ("train", "eval")


def assign(picture: Picture, eval_fraction: float) -> str:
    """`train` or `eval`: as the folders say, else by the content, which no renaming or adding of files changes."""
    return picture.source.split or ("eval" if draw(picture.sha256) < eval_fraction else "train")


def draw(sha256: str) -> float:
    """A number in [0, 1) that depends on the content alone.

    The digest is hashed once more: data sets are themselves published in halves by digest, which would bias the split.
    """
    return int.from_bytes(hashlib.sha256(f"split {sha256}".encode()).digest()[:6], "big") / 2**48
