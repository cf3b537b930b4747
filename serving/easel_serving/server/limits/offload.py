"""Work beside the event loop, and waiting for it.

Work that would hold up the loop goes to a thread; small work does not, for handing it over costs more.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

INLINE_BYTES = 256 << 10
"""About a millisecond of reading JSON and base64."""


async def offload(size: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function that has `size` bytes to read."""
    if size <= INLINE_BYTES:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)


async def within(seconds: float, awaited: Awaitable[Any]) -> Any:
    """The result of `awaited`, which is cancelled after that time.

    Unlike `asyncio.wait_for` it leaves no circle when `awaited` fails: there the error's traceback has a frame that
    has the future that has the error, and the request's body stays until the garbage collector comes by.

    Raises:
        TimeoutError: the time was over.
    """
    future = asyncio.ensure_future(awaited)
    try:
        await asyncio.wait([future], timeout=seconds)
        if not future.done():
            raise TimeoutError
        return future.result()
    finally:
        future.cancel()
        del future, awaited
