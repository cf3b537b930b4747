"""The well-known paintings whose codes ship: their names, and the files in the assets that they are encoded from."""

import csv
from importlib import resources
from typing import NamedTuple


class Painting(NamedTuple):
    """A painting of the bank."""

    name: str
    file: str
    """In the assets."""
    artist: str
    title: str
    year: int


def paintings() -> list[Painting]:
    """Those of `bank.csv`, in its order."""
    with resources.files(__package__).joinpath("bank.csv").open(encoding="utf-8", newline="") as file:
        return [Painting(**{**row, "year": int(row["year"])}) for row in csv.DictReader(file)]
