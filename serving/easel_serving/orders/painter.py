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
        self, wishes: Wishes, photo: bytes, report: Callable[[float], None]
    ) -> tuple[bytes, str, dict[str, Any]]:
        """The picture's file, its suffix, and what painted it.

        `report` is told how much is done (0..1). Raises Refused, or any other exception for what may pass.
        """
