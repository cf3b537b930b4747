"""The client for coroutines."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import tenacity

from easel_serving.client import calls, retry
from easel_serving.client.options import Options
from easel_serving.client.results import VersionStatus
from easel_serving.client.transports import transport
from easel_serving.images import prepare

T = TypeVar("T")


class AsyncClient:
    """`Client` for coroutines: the same arguments, methods and errors. An asynchronous context manager.

    Batches of one call are under way at the same time (`Options.concurrency`).
    """

    def __init__(self, server: str, options: Options | None = None, **values: Any):
        self._options = dataclasses.replace(options or Options(), **values)
        self._server = server
        self._transport = transport(server, self._options, asynchronous=True)

    async def classify(self, *photos: prepare.Source) -> list[calls.Classification]:
        """See `Client.classify`."""
        return calls.classifications(await self._answers(calls.classify, photos, self._options))

    async def stylize(self, *contents: prepare.Source, style: prepare.Source, strength: float = 1.0) -> list[bytes]:
        """See `Client.stylize`."""
        return calls.pictures(await self._answers(calls.stylize, contents, style, strength, self._options))

    async def encode_style(self, *paintings: prepare.Source) -> list[np.ndarray]:
        """See `Client.encode_style`."""
        return calls.codes(await self._answers(calls.encode_style, paintings, self._options))

    async def stylize_code(self, *contents: prepare.Source, code: np.ndarray) -> list[bytes]:
        """See `Client.stylize_code`."""
        return calls.pictures(await self._answers(calls.stylize_code, contents, code, self._options))

    async def versions(self, model: str) -> list[VersionStatus]:
        """See `Client.versions`."""
        return await self._retried(lambda left: self._transport.versions(model, left))

    async def predict(self, call: calls.Call) -> dict[str, np.ndarray]:
        """Sends one call as it is, for those who put them together themselves."""
        return await self._retried(lambda left: self._transport.predict(call, left))

    async def close(self) -> None:
        """Ends the connections."""
        await self._transport.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    async def _answers(self, build: Callable[..., Sequence[calls.Call]], *arguments: Any) -> list[dict]:
        # Reading and converting images belongs beside the event loop, not in it.
        requests = await asyncio.to_thread(build, *arguments)
        turns = asyncio.Semaphore(self._options.concurrency)

        async def one(call: calls.Call) -> dict[str, np.ndarray]:
            async with turns:
                return await self.predict(call)

        return await asyncio.gather(*map(one, requests))

    async def _retried(self, send: Callable[[float], Awaitable[T]]) -> T:
        left = retry.countdown(self._server, self._options.timeout)

        async def once() -> T:
            return await send(left())

        return await tenacity.AsyncRetrying(**retry.policy(self._options))(once)
