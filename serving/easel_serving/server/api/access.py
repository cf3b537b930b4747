"""Who may ask, and who asked: the optional API keys, and one structured record for each request."""

import base64
import binascii
import hmac
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from easel_serving.protocol.errors import ServingError

ACCESS = logging.getLogger("easel.serving.access")

OPEN = ("/healthz", "/readyz")
"""Where probes ask, every few seconds and without a key."""


def read_keys(path: str | Path) -> tuple[str, ...]:
    """The API keys in a file, one a line: a file's reader can be restricted, a command line's cannot.

    Raises:
        ServingError: the file cannot be read, or a line is no key of at least 16 characters.
    """
    try:
        keys = tuple(line.strip() for line in Path(path).read_text().splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ServingError(f"{path}: the API key cannot be read ({error})") from None
    for key in keys or ("",):
        if len(key) < 16 or not key.isascii() or not key.isprintable() or " " in key:
            raise ServingError(f"{path}: an API key is one word of at least 16 ASCII characters, one a line")
    return keys


def presented(authorization: str) -> str:
    """The key in an `Authorization` header, `Bearer KEY` or the password of `Basic` (browsers); empty without one."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return ""
    elif scheme.lower() != "bearer":
        return ""
    return given.strip()


def allowed(authorization: str, keys: Sequence[str]) -> bool:
    """Whether an `Authorization` header has one of the keys."""
    given = presented(authorization).encode()
    # Every key is compared, so that the time tells nothing.
    return any([hmac.compare_digest(given, key.encode()) for key in keys])


class ApiKey:
    """Answers 401 to every HTTP request without one of the keys; a browser then asks for it (user name: any)."""

    def __init__(self, app: ASGIApp, keys: Sequence[str]):
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            headers = dict(scope["headers"])
            if not allowed(headers.get(b"authorization", b"").decode("latin-1"), self._keys):
                body = b'{"error": "An API key is needed: Authorization: Bearer KEY"}'
                start = [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(body)).encode()),
                    (b"www-authenticate", b'Basic realm="easel", charset="UTF-8"'),
                    (b"connection", b"close"),
                ]
                await send({"type": "http.response.start", "status": 401, "headers": start})
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)


class AccessLog:
    """One structured record for each HTTP request, but for probes, on logger `easel.serving.access`."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        status, size, start = 0, 0, time.perf_counter()

        async def observed(message: Message) -> None:
            nonlocal status, size
            status = message.get("status", status)
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            record(
                protocol="HTTP",
                method=scope["method"],
                path=scope.get("raw_path", b"").decode("latin-1"),
                status=status,
                milliseconds=round((time.perf_counter() - start) * 1e3, 1),
                bytes=size,
                client=(scope.get("client") or ("",))[0],
            )


def record(**facts: Any) -> None:
    """Writes `key=value` pairs (values with blanks are quoted) and attaches them as `record.access`."""
    ACCESS.info("%s", " ".join(f"{key}={_logfmt(value)}" for key, value in facts.items()), extra={"access": facts})


def _logfmt(value: Any) -> str:
    text = str(value)
    plain = text.isascii() and text.isprintable() and text and not set(text) & set(' "=\\')
    return text if plain else json.dumps(text)
