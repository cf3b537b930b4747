"""What a server says about its versions."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """One version of a model on a server."""

    version: int
    state: str
    """`START`, `LOADING`, `AVAILABLE`, `UNLOADING` or `END`."""
    error: str
    """Why it could not be loaded; "" when it could."""
