"""Photos from places that are configured: nothing else is fetched for anybody."""

import posixpath
import re
from collections.abc import Sequence

import fsspec

from easel_serving.protocol.errors import ServingError

_PLAIN = re.compile(r"[a-z0-9]+://[\w.\-/ ()+,=@~]+")


def require_prefix(address: str, prefixes: Sequence[str]) -> None:
    """Raises ServingError for an address that is not below one of the prefixes, whatever it is written like."""
    inside = address.split("://", 1)[-1]
    plain = _PLAIN.fullmatch(address) and posixpath.normpath(inside) == inside
    if not plain or not any(address.startswith(prefix.rstrip("/") + "/") for prefix in prefixes):
        known = ", ".join(prefixes) or "there are none"
        raise ServingError(f"photo_url: photos are fetched only from configured places ({known}); send the file")


def fetch(address: str, prefixes: Sequence[str], limit: int) -> bytes:
    """A photo's bytes; raises ServingError for another place, a missing file, or one of more than `limit` bytes."""
    require_prefix(address, prefixes)
    try:
        with fsspec.open(address, "rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError, ImportError) as error:
        raise ServingError(f"photo_url: {address[:200]} cannot be read ({type(error).__name__})") from None
    if len(data) > limit:
        raise ServingError(f"photo_url: {address[:200]} has more than {limit} bytes")
    return data
