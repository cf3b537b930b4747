"""How a client behaves; the defaults are here and nowhere else."""

import dataclasses
from pathlib import Path

from easel_serving.protocol.errors import ServingError


@dataclasses.dataclass(frozen=True)
class Options:
    """What `Client` and `AsyncClient` take beside the address."""

    classifier: str = "classifier"
    """The name of the classifier on the server."""
    style: str = "style"
    """The name of the style network on the server."""
    version: int | str | None = "stable"
    """A version's number, a label, or None for the highest number that is loaded (which may be a canary)."""
    timeout: float = 60.0
    """Seconds for one request with all its tries."""
    tries: int = 5
    """How often a request is sent at most, while the server is busy or not there."""
    concurrency: int = 4
    """Requests that an `AsyncClient` has under way at a time when a call is cut into batches."""
    api_key: str | None = None
    """Sent as `Authorization: Bearer KEY`."""
    ca: str | Path | None = None
    """A file with the certificates to trust, for a server whose certificate no public authority signed."""

    def __post_init__(self) -> None:
        for name in ("timeout", "tries", "concurrency"):
            if not getattr(self, name) > 0:
                raise ServingError(f"{name} {getattr(self, name)}: must be greater than 0")
