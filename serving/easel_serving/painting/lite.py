"""The verified TFLite variants of a version as an engine. Needs LiteRT, and no TensorFlow."""

from functools import cached_property
from typing import Any

import numpy as np

from easel_serving.images import arrays
from easel_serving.models.tflite import network, transformer, variants
from easel_serving.painting import tiles
from easel_serving.painting.tiled import TiledEngine, measurable
from easel_serving.registry.directory import Version


class LiteEngine(TiledEngine):
    """What the SavedModel paints, within the tolerance that the variants were verified with.

    Raises:
        ServingError: a part has no verified float variant, or LiteRT cannot use it.
    """

    def __init__(self, version: Version):
        super().__init__(version.codes, version.title)
        self._encoder = variants.find(version, "predictor", variants.FLOATS)
        self._transformer = transformer.Transformer(variants.find(version, "transformer", variants.FLOATS))

    def encode(self, painting: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        side = self._predictor.shape("style")[1]
        square = arrays.resize(painting, side, side, "crop")
        return self._predictor(style=square[np.newaxis].astype(np.float32))["style_code"][0]

    def measure(self, photo: np.ndarray, code: np.ndarray) -> tuple[int, Any]:
        """See `TiledEngine`; what is painted in one piece needs no measuring."""
        if max(photo.shape[:2]) <= tiles.SIDE:
            return 0, None
        return self._transformer.reach, self._transformer.measure(measurable(photo), code)

    def paint_part(self, part: np.ndarray, code: np.ndarray, statistics: Any) -> np.ndarray:
        """See `TiledEngine`."""
        return arrays.to_uint8(self._transformer(part, code, statistics))

    @cached_property
    def _predictor(self) -> network.Network:
        return network.Network(self._encoder)
