"""uvicorn's HTTP protocol with a limit on the time in which a request's headers must arrive."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


def protocol(header_seconds: float) -> type[H11Protocol]:
    """A protocol class that closes a connection which sent no complete headers in that time.

    uvicorn has a limit only for the time between two requests: a client that opens many connections and trickles its
    headers ("slowloris") would hold them, and with them the server, for ever.
    """

    class Impatient(H11Protocol):
        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            super().data_received(data)
            if self.cycle is not before:
                self._cancel()
            elif self.cycle is None or self.cycle.response_complete:
                self._wait()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            # The next request's first bytes start the clock; until then uvicorn's own limit counts.
            self._cancel()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            super().connection_lost(exc)

        def _wait(self) -> None:
            if self._waiting is None:
                self._waiting = self.loop.call_later(header_seconds, self._give_up)

        def _cancel(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _give_up(self) -> None:
            self._waiting = None
            if not self.transport.is_closing():
                self.transport.abort()

    return Impatient
