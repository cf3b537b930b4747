"""The REST transports. They send one request once; when to try again is decided by `retry`."""

import ssl
from typing import Any, Protocol

import httpx
import numpy as np

from easel_serving.client import json_calls
from easel_serving.client.calls import Call
from easel_serving.client.errors import RequestError, code_of
from easel_serving.client.options import Options
from easel_serving.client.results import VersionStatus


class Transport(Protocol):
    """What `Client` speaks through."""

    def predict(self, call: Call, timeout: float) -> dict[str, np.ndarray]:
        """Sends a call; raises RequestError."""

    def versions(self, model: str, timeout: float) -> list[VersionStatus]:
        """Asks for the state of a model's versions; raises RequestError."""

    def close(self) -> None:
        """Ends the connections."""


class RestTransport:
    """TensorFlow Serving's REST API."""

    def __init__(self, server: str, options: Options):
        self._server = server
        self._http = httpx.Client(**_arguments(server, options))

    def predict(self, call: Call, timeout: float) -> dict[str, np.ndarray]:
        """See `Transport`."""
        return self._send(_predict(call), timeout, lambda document: json_calls.outputs(document, call))

    def versions(self, model: str, timeout: float) -> list[VersionStatus]:
        """See `Transport`."""
        return self._send({"method": "GET", "url": json_calls.path(model, None)}, timeout, json_calls.statuses)

    def close(self) -> None:
        """See `Transport`."""
        self._http.close()

    def _send(self, request: dict[str, Any], timeout: float, read: Any) -> Any:
        try:
            response = self._http.request(**request, timeout=timeout)
        except httpx.HTTPError as error:
            raise _failed(self._server, error, timeout) from None
        return _read(self._server, response, read)


class AsyncRestTransport:
    """TensorFlow Serving's REST API, for coroutines."""

    def __init__(self, server: str, options: Options):
        self._server = server
        self._http = httpx.AsyncClient(**_arguments(server, options))

    async def predict(self, call: Call, timeout: float) -> dict[str, np.ndarray]:
        """See `Transport`."""
        return await self._send(_predict(call), timeout, lambda document: json_calls.outputs(document, call))

    async def versions(self, model: str, timeout: float) -> list[VersionStatus]:
        """See `Transport`."""
        return await self._send({"method": "GET", "url": json_calls.path(model, None)}, timeout, json_calls.statuses)

    async def close(self) -> None:
        """See `Transport`."""
        await self._http.aclose()

    async def _send(self, request: dict[str, Any], timeout: float, read: Any) -> Any:
        try:
            response = await self._http.request(**request, timeout=timeout)
        except httpx.HTTPError as error:
            raise _failed(self._server, error, timeout) from None
        return _read(self._server, response, read)


def _arguments(server: str, options: Options) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {options.api_key}"} if options.api_key else {}
    verify = ssl.create_default_context(cafile=str(options.ca)) if options.ca else True
    return {"base_url": server, "headers": headers, "verify": verify}


def _predict(call: Call) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": f"{json_calls.path(call.model, call.version)}:predict",
        "content": json_calls.body(call),
        "headers": {"Content-Type": "application/json"},
    }


def _failed(server: str, error: httpx.HTTPError, timeout: float) -> RequestError:
    if isinstance(error, httpx.TimeoutException):
        return RequestError(server, "DEADLINE_EXCEEDED", f"no answer in {timeout:.3g} s")
    # Inference changes nothing on the server: a request whose connection broke can be sent again.
    return RequestError(server, "UNAVAILABLE", f"cannot be reached: {error or type(error).__name__}")


def _read(server: str, response: httpx.Response, read: Any) -> Any:
    try:
        document = response.json()
        if response.status_code == 200:
            return read(document)
        message = document["error"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        message = "the answer is not one of TensorFlow Serving's REST API; is the address right?"
        code = "UNKNOWN" if response.status_code == 200 else code_of(response.status_code)
        raise RequestError(server, code, f"HTTP status {response.status_code}, and {message}") from None
    raise RequestError(server, code_of(response.status_code), str(message), _retry_after(response))


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0
