"""What computes: a SavedModel in this process, or a server. Images: uint8 [H, W, 3]."""

from typing import Any, Protocol

import cv2
import numpy as np

from easel_serving.images import prepare
from easel_serving.painting import enlarging, tiles
from easel_serving.protocol.errors import ServingError

Code = np.ndarray | str
"""A style code float32 [D]; a server is also told the name of a painting that it knows."""

STYLE_SIDE = 256
"""Side in pixels of the square of a painting that the network looks at, whose strokes it paints."""

_FADE = 0.25
"""Below this strength the photo itself is faded in, as the served graph does."""
_CODE_SIDE = 512
"""A photo is reduced to this before its own code is read."""


class Engine(Protocol):
    """A style network."""

    def known(self, name: str) -> Code:
        """The code of a painting by its name; raises ServingError, with the nearest name, for an unknown one."""

    def encode(self, painting: np.ndarray) -> np.ndarray:
        """A painting's code, float32 [D]."""

    def part_painter(self, photo: np.ndarray, code: Code, strength: float) -> tiles.Part:
        """What paints any part of a photo so that parts fit together, in a code between the photo's own and `code`.

        Strength 1 is `code`. At low strengths the photo is still to be faded in (`faded`); a server that is told a name
        does that itself.
        """


class ServerEngine:
    """A server's style network, which returns whole pictures, perhaps smaller ones: they are enlarged again."""

    def __init__(self, client: Any, enlarge: enlarging.Enlarge = enlarging.bicubic):
        self._client, self._enlarge = client, enlarge

    def known(self, name: str) -> Code:
        """The name itself: the server has the codes."""
        return name

    def encode(self, painting: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return np.asarray(self._client.encode_style(painting)[0], np.float32)

    def part_painter(self, photo: np.ndarray, code: Code, strength: float) -> tiles.Part:
        """See `Engine`."""
        height, width = photo.shape[:2]
        if isinstance(code, str):
            [painted] = self._client.stylize(photo, style=code, strength=strength)
        else:
            [painted] = self._client.stylize_code(photo, code=between(self, photo, code, strength))
        picture = self._enlarge(prepare.pixels(painted, "the server's picture"), height, width)
        return lambda box: picture[box]


class Brushed:
    """An engine whose strokes are as large as those of a painting whose shorter side is `brush` pixels.

    Networks paint strokes of one size in pixels: the photo is painted smaller or larger, and its picture resized.
    """

    def __init__(self, engine: Engine, brush: int, enlarge: enlarging.Enlarge = enlarging.bicubic):
        self._engine, self._factor, self._enlarge = engine, brush / STYLE_SIDE, enlarge
        self.known, self.encode = engine.known, engine.encode

    def painted_shape(self, height: int, width: int) -> tuple[int, int]:
        """At what size a photo is painted; raises ServingError when that has too many pixels."""
        shape = max(1, round(height / self._factor)), max(1, round(width / self._factor))
        if shape[0] * shape[1] > prepare.MAX_PIXELS:
            raise ServingError(f"brush: {width} x {height} pixels are too many for strokes as fine as this")
        return shape

    def part_painter(self, photo: np.ndarray, code: Code, strength: float) -> tiles.Part:
        """See `Engine`."""
        height, width = photo.shape[:2]
        # Where sides are no multiples of the factor they are made so: what is enlarged needs no resizing then.
        unit = round(self._factor) if self._factor > 1 and self._factor == round(self._factor) else 1
        room = [(0, -size % unit) for size in (height, width)]
        whole = np.pad(photo, [*room, (0, 0)], mode="edge") if any(map(any, room)) else photo
        shape = self.painted_shape(*whole.shape[:2])
        part = self._engine.part_painter(enlarging.bicubic(whole, *shape), code, strength)
        picture = self._enlarge(tiles.assembled(part, *shape), *whole.shape[:2])
        return lambda box: picture[box]


def between(engine: Engine, photo: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
    """The code that is `strength` of the way from the photo's own to `code`."""
    if strength == 1:
        return code
    scale = min(1.0, _CODE_SIDE / max(photo.shape[:2]))
    height, width = (max(1, round(size * scale)) for size in photo.shape[:2])
    own = engine.encode(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA))
    return own + np.float32(strength) * (code - own)


def faded(part: tiles.Part, photo: np.ndarray, strength: float) -> tiles.Part:
    """`part`, with the photo faded in at low strengths, so that 0 is the photo without a jump."""
    share = min(strength / _FADE, 1.0)
    if share == 1.0:
        return part
    if share == 0.0:
        return lambda box: photo[box]
    return lambda box: cv2.addWeighted(part(box), share, photo[box], 1 - share, 0)
