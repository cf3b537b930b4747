"""What a worker paints with."""

from collections.abc import Callable
from typing import Any, Protocol

from easel_serving.orders.wishes import Wishes
from easel_serving.protocol.errors import ServingError


class Refused(ServingError):
    """The order itself is at fault: to try it again would end in the same way."""


class Painter(Protocol):
    """What a worker paints with."""

    def __call__(
        self, wishes: Wishes, photo: bytes, mask: bytes | None, report: Callable[[float], None]
    ) -> tuple[bytes, str, dict[str, Any]]:
        """The picture's file, its suffix, and what painted it.

        `mask` is an image's file, white where the photo is painted. `report` is told how much is done (0..1).
        Raises Refused, or any other exception for what may pass.
        """
