"""How many orders are taken, how often each is tried, and how long it is kept."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the queue takes."""

    queued: int = 100_000
    """Orders that wait or are painted."""
    queued_per_owner: int = 20_000
    attempts: int = 5
    """How often an order is tried before it fails."""
    keep_days: float = 30.0
    """How long orders are kept after they are finished, with photo and picture."""
    call_attempts: int = 8
    """How often a webhook is called until it answers."""


DEFAULT = Limits()
