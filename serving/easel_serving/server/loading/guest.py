"""A model that is not of the serving directory: the style network that ships, until one of its own is pushed."""

import dataclasses
import importlib.util
import logging
from collections.abc import Callable
from typing import Any

from easel_serving import shipped
from easel_serving.protocol.errors import ServingError
from easel_serving.server.limits.batching import Limits

LOGGER = logging.getLogger("easel.serving")


@dataclasses.dataclass(frozen=True)
class Guest:
    """What a manager serves besides."""

    name: str
    number: int
    needed: Callable[[], bool]
    """Whether the directory has none in its place."""
    load: Callable[[], Any]
    word: str
    """What the log says when it answers."""


def shipped_guest(directory: shipped.Shelf) -> Guest | None:
    """The style network that ships with Easel; None without LiteRT, which computes it, or where it is damaged."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        return None
    try:
        version = directory.shipped
    except ServingError as error:
        LOGGER.error("what ships with Easel cannot be used: %s", error)
        return None

    def load() -> Any:
        from easel_serving.models.tflite.models import Style
        from easel_serving.server.loading.tflite_servable import ModelServable

        return ModelServable(version, Style(version, any_size=True), Limits.read(directory.root))

    return Guest(version.model, version.number, lambda: shipped.stands_in(directory), load, shipped.word(directory))
