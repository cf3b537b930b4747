"""What one request, and all of them together, may cost: the server's memory stays bounded whatever it is sent."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator

from easel_serving.protocol.status import StatusError


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The limits; what exceeds one is refused at once, with INVALID_ARGUMENT or RESOURCE_EXHAUSTED."""

    request_bytes: int = 64 << 20
    """Of a request's body or message."""
    pending_bytes: int = 512 << 20
    """Of all bodies that are being read or answered."""
    pixels: int = 50_000_000
    """Of all images in a request: a small file can unpack to gigabytes."""
    seconds: float = 60.0
    """Until a request is answered."""
    body_seconds: float = 30.0
    """Until a request's body has arrived."""
    header_seconds: float = 10.0
    """Until a request's first line and headers have arrived."""
    connections: int = 512


class Budget:
    """Bytes that may be held at once."""

    def __init__(self, limit: int):
        self._limit = limit
        self._held = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def hold(self) -> Iterator["Hold"]:
        """A share of the budget that is given back at the end."""
        share = Hold(self)
        try:
            yield share
        finally:
            self.add(-share.size)

    def add(self, size: int) -> None:
        """Takes or, when negative, gives back; RESOURCE_EXHAUSTED when there is not as much left."""
        with self._lock:
            if size > 0 and self._held + size > self._limit:
                raise StatusError("RESOURCE_EXHAUSTED", "The server holds as many bytes as it may; try again later")
            self._held += size


class Hold:
    """What one request holds of a budget."""

    def __init__(self, budget: Budget):
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Takes more; RESOURCE_EXHAUSTED when there is not as much left."""
        self._budget.add(size)
        self.size += size
