"""Paints orders with the style network that serves."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from easel_serving.local import LocalModels
from easel_serving.orders.painter import Refused
from easel_serving.orders.wishes import Wishes
from easel_serving.painting import enlarging, files, masks, painter, subject
from easel_serving.painting.engines import Brushed
from easel_serving.painting.tiled import TiledEngine
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import Version

LOGGER = logging.getLogger("easel.orders")

_SUFFIXES = {"png": ".png", "jpeg": ".jpg", "tiff": ".tif", "webp": ".webp"}


class NetworkPainter:
    """The style network that serves, or the one that ships; a promotion is noticed between two orders.

    Args:
        serving_dir: the registry's directory.
    """

    def __init__(self, serving_dir: str | Path):
        self._models = LocalModels(serving_dir, warn=LOGGER.debug)
        self._loaded: tuple[Path, TiledEngine] | None = None

    def __call__(
        self, wishes: Wishes, photo: bytes, mask: bytes | None, report: Callable[[float], None]
    ) -> tuple[bytes, str, dict[str, Any]]:
        """See `Painter`."""
        version, engine = self._current()
        # By name only: a name that is the path of a file here must not open it. The server knew these names: a worker
        # that does not has another version, and another worker may have the right one.
        codes = [engine.known(share.name) for share in wishes.styles]
        enlarge = enlarging.chosen()
        seen = wishes.strength < 1 or wishes.only is not None or mask is not None
        # In memory: a kill leaves nobody's photo in a temporary folder.
        try:
            read = files.decoded(photo, wishes.size, wishes.within, enlarge if seen else enlarging.bicubic)
            where = _mask(wishes, read, mask)
            if wishes.brush is not None:
                Brushed(engine, wishes.brush).painted_shape(*read.pixels.shape[:2])
        except ServingError as error:
            raise Refused(str(error)) from None
        report(0.1)
        mix = np.average(codes, axis=0, weights=[share.weight for share in wishes.styles]).astype(np.float32)
        brush = wishes.brush
        if brush is None and (wishes.size or wishes.paper):
            brush = painter.print_brush(read.pixels.shape, read.scale)
        finish = painter.Finish(wishes.strength, wishes.keep_colours == "luminance", brush, enlarge=enlarge)
        *_, picture = painter.paint(engine, read.pixels, [painter.Layer(mix, where)], finish, preview=False)
        report(0.9)
        data = files.encoded(picture, wishes.format.upper(), read, wishes.resolution)
        by = {"model": version.model, "version": version.number}
        # Two machines may call two versions by one number.
        return data, _SUFFIXES[wishes.format], by | ({"digest": version.digest} if version.digest else {})

    def _current(self) -> tuple[Version, TiledEngine]:
        """What serves now, loaded."""
        while True:
            version = self._models.painter()
            if self._loaded is not None and self._loaded[0] == version.path:
                return version, self._loaded[1]
            # Looked at again after loading: a promotion may have come between.
            self._loaded = version.path, self._models.engine(version.model)


def _mask(wishes: Wishes, photo: files.Photo, mask: bytes | None) -> np.ndarray | None:
    if mask is not None:
        return masks.decoded(mask, *photo.pixels.shape[:2])
    return wishes.part and subject.masked(photo.pixels, wishes.part, photo.scale)
