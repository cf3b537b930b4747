"""Which web pages may ask: those of the server itself and, where they are listed, those of other origins."""

import re
from collections.abc import Mapping, Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import StatusError

_ORIGIN = re.compile(r"https?://[^\s/?#@]+")


def check(origins: Sequence[str]) -> None:
    """Raises ServingError for what is neither an origin, such as `https://shop.example`, nor `*`."""
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ServingError(f"{origin}: an origin is like https://shop.example or http://localhost:3000; * is any")


def allow(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application, for pages of these origins too; preflight requests are answered, without a key.

    Args:
        app: what answers, the check of an API key included: browsers send no key ahead.
        origins: `https://shop.example`, or `*` for any page; none leaves everything to the browser, which then lets no
            page of another origin read an answer.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key"],
        expose_headers=["X-Easel-Model", "X-Easel-Version", "Location", "Easel-Replayed"],
    )


def require_own_page(headers: Mapping[str, str], origins: Sequence[str]) -> None:
    """Refuses what a page of another origin sends by itself, for requests that change something.

    A page may post a form to any site: the browser asks nobody ahead, and adds the password that it knows. It says
    where the form comes from, by `Sec-Fetch-Site` and, without TLS, by `Origin`; programs send neither. The rule is
    that of Go's `net/http.CrossOriginProtection`.

    Args:
        headers: of the request.
        origins: as for `allow`.

    Raises:
        StatusError: PERMISSION_DENIED.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if "*" in origins or origin in origins or site in ("same-origin", "none"):
        return
    if site is None and (origin is None or origin.partition("://")[2] == headers.get("host")):
        return
    raise StatusError("PERMISSION_DENIED", "Pages of other origins may not do this; --cors-origin lists those that may")
