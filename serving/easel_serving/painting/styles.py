"""Styles as people name them: `wave.jpg`, `starry_night`, `wave.jpg=0.7`; and mixes of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from easel_serving.images import prepare
from easel_serving.painting import colours
from easel_serving.painting.engines import Code, Engine
from easel_serving.protocol.errors import ServingError


@dataclass(frozen=True)
class Style:
    """A painting's file, or the name of one that the network knows, and its share in a mix."""

    source: str
    weight: float = 1.0

    @property
    def is_file(self) -> bool:
        """Whether it is a file that is there; otherwise it can only be a known name."""
        return Path(self.source).is_file()

    def pixels(self) -> np.ndarray:
        """The painting, uint8 [H, W, 3]; raises ServingError when it cannot be read."""
        return prepare.pixels(prepare.checked(self.source), self.source)


def parse(text: str) -> Style:
    """`PAINTING` or `PAINTING=WEIGHT`; raises ServingError for a weight that is not a positive number."""
    source, separator, weight = text.rpartition("=")
    if not separator or Path(text).is_file():
        return Style(text)
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ServingError(f"{text}: the weight {weight!r} is not a positive number")
    return Style(source, value)


def code(engine: Engine, mix: Sequence[Style], colours_of: np.ndarray | None = None) -> Code:
    """The style code of a mix: the codes' mean by their weights.

    Paintings are first given the colours of `colours_of`, uint8 [H, W, 3], unless it is None.

    Raises:
        ServingError: a file cannot be read, or a name is not known or is not enough.
    """
    found = [_code(engine, style, colours_of) for style in mix]
    if len(found) == 1:
        return found[0]
    names = [one for one in found if isinstance(one, str)]
    if names:
        raise ServingError(f"{names[0]}: a server mixes paintings' files only; without --server names are mixed too")
    return np.average(found, axis=0, weights=[style.weight for style in mix]).astype(np.float32)


def _code(engine: Engine, style: Style, colours_of: np.ndarray | None) -> Code:
    if not style.is_file:
        if colours_of is not None:
            raise ServingError(
                f"{style.source}: giving a painting the photo's colours needs its file, not only its name"
            )
        return engine.known(style.source)
    painting = style.pixels()
    if colours_of is not None:
        painting = colours.matched(painting, colours_of)
    return engine.encode(painting)
