"""Which web pages may ask: those of the server itself and, where they are listed, those of other origins."""

import re
from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from easel_serving.protocol.errors import ServingError

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
