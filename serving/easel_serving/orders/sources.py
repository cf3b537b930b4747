"""Photos from places that are configured: nothing else is fetched for anybody."""

import posixpath
import re
import time
from collections.abc import Sequence

import httpx

from easel_serving.orders import stores
from easel_serving.protocol.errors import ServingError

_SECONDS = 20.0
_PLAIN = re.compile(r"[a-z0-9]+://[\w.\-]*(:\d+)?/[\w.\-/ ()+,=@~]+")


class Away(ServingError):
    """The place cannot be reached just now: the same photo may be there later."""


def require_prefix(address: str, prefixes: Sequence[str]) -> None:
    """Raises ServingError for an address that is not below one of the prefixes, whatever it is written like."""
    inside = address.split("://", 1)[-1]
    plain = _PLAIN.fullmatch(address) and posixpath.normpath(inside) == inside
    if not plain or not any(address.startswith(prefix.rstrip("/") + "/") for prefix in prefixes):
        known = ", ".join(prefixes) or "there are none"
        raise ServingError(f"photo_url: photos are fetched only from configured places ({known}); send the file")


def _of_web(address: str, limit: int) -> bytes:
    # fsspec follows redirections, which lead out of the places that are configured.
    data, deadline = bytearray(), time.monotonic() + _SECONDS
    with (
        httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", address) as answer,
    ):
        if answer.status_code != 200:
            raise (ConnectionError if answer.status_code >= 500 else FileNotFoundError)(str(answer.status_code))
        for part in answer.iter_raw():
            data += part
            if len(data) > limit:
                break
            # The client's own limit is for each piece.
            if time.monotonic() > deadline:
                raise TimeoutError
    return bytes(data)


def _of_store(address: str, limit: int) -> bytes:
    with stores.opened(address) as file:
        return file.read(limit + 1)


def fetch(address: str, prefixes: Sequence[str], limit: int) -> bytes:
    """A photo's bytes, which arrive within 20 seconds or so.

    Raises:
        ServingError: another place, a missing file, or one of more than `limit` bytes.
        Away: the place does not answer.
    """
    require_prefix(address, prefixes)
    said = f"photo_url: {address[:200]} cannot be read"
    try:
        data = _of_web(address, limit) if address.startswith(("http://", "https://")) else _of_store(address, limit)
    except (FileNotFoundError, ValueError, httpx.InvalidURL) as error:
        raise ServingError(f"{said} ({type(error).__name__})") from None
    except Exception as error:  # each store's package has errors of its own
        raise Away(f"{said} now ({type(error).__name__}); try again") from None
    if len(data) > limit:
        raise ServingError(f"photo_url: {address[:200]} has more than {limit} bytes")
    return data
