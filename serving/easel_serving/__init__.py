"""What reads and writes the serving directory: the registry of versions, a local runner, a server and a client.

A distribution of its own: a program that uses the models installs it alone, without TFX or Beam.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from easel_serving.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    # The registry needs little; the client needs the extra `client`.
    if name in __all__:
        from easel_serving import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
