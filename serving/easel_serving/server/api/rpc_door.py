"""How a gRPC message comes in: who sends it is known, and what it holds is counted, before an object is made of it."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from easel_serving.protocol import messages
from easel_serving.protocol.status import StatusError, invalid
from easel_serving.server.api.access import allowed, record
from easel_serving.server.loading.core import Core

LOGGER = logging.getLogger("easel.serving")

_QUOTED = 4000
"""Characters of an error that are sent: a client takes no headers of more than 8 KiB."""

Answer = Callable[[Any], Any]
"""From a request to a response; raises StatusError."""


class Door:
    """Makes gRPC's handlers of functions.

    Args:
        core: for its limits and its budget.
        keys: one of them must every request bring in its metadata; none ask for nothing.
    """

    def __init__(self, core: Core, keys: Sequence[str]):
        self._core = core
        self._keys = keys
        limits = core.limits
        # A message is there twice until it is parsed: as it arrived, and as Python's bytes.
        self._receiving = Receiving(max(2, limits.pending_bytes // (2 * limits.request_bytes)), limits.body_seconds)

    def method(self, path: str, request_class: Any, answer: Answer) -> grpc.RpcMethodHandler:
        """The handler of a method, `/SERVICE/METHOD`.

        For gRPC it takes a stream, of which one message is read. What is declared to take one message is given it, as
        an object, after all of it was received.
        """

        def handle(messages: Iterator[bytes], context: grpc.ServicerContext) -> Any:
            start, size = time.perf_counter(), 0
            try:
                if self._keys and not allowed(_authorization(context), self._keys):
                    raise StatusError("UNAUTHENTICATED", "An API key is needed: metadata authorization: Bearer KEY")
                with self._core.budget.hold() as hold:
                    with self._receiving.one(context.cancel):
                        data = next(messages, b"")
                    size = len(data)
                    hold.grow(size)
                    request = _parsed(request_class, data)
                    del data  # the request has a copy
                    return answer(request)
            except StatusError as error:
                context.abort(grpc.StatusCode[error.code], str(error)[:_QUOTED])
            except (grpc.RpcError, StopIteration):
                raise  # the client is gone
            except Exception:
                if not context.is_active():
                    raise
                LOGGER.exception("%s failed", path)
                context.abort(grpc.StatusCode.INTERNAL, "Internal error; see the server's log")
            finally:
                record(
                    protocol="gRPC",
                    method=path.rpartition("/")[2],
                    path=path,
                    status=(context.code() or grpc.StatusCode.OK).name,
                    milliseconds=round((time.perf_counter() - start) * 1e3, 1),
                    bytes=size,
                    client=context.peer(),
                )

        return grpc.stream_unary_rpc_method_handler(handle, response_serializer=_serialized)


class Receiving:
    """Messages that may be on their way at once: each can become as large as a message may be.

    Args:
        count: how many.
        seconds: what a message may take while others wait; then the one that takes longest is cut off.
    """

    def __init__(self, count: int, seconds: float):
        self._count = count
        self._seconds = seconds
        self._changed = threading.Condition()
        self._since: dict[object, tuple[float, Callable[[], None]]] = {}

    @contextlib.contextmanager
    def one(self, cancel: Callable[[], None]) -> Iterator[None]:
        """A context in which one message is received; `cancel` cuts it off."""
        message = object()
        with self._changed:
            while len(self._since) >= self._count:
                slowest = next(iter(self._since))
                since, cut_off = self._since[slowest]
                left = since + self._seconds - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                else:
                    del self._since[slowest]
                    cut_off()
            self._since[message] = time.monotonic(), cancel
        try:
            yield
        finally:
            with self._changed:
                self._since.pop(message, None)
                self._changed.notify()


def _serialized(response: Any) -> bytes:
    return response.SerializeToString()


def _authorization(context: grpc.ServicerContext) -> str:
    given = dict(context.invocation_metadata()).get("authorization", "")
    return given if isinstance(given, str) else ""


def _parsed(request_class: Any, data: bytes) -> Any:
    try:
        return messages.decode(data, request_class)
    except ValueError as error:
        raise invalid(f"The message is {error}") from None
