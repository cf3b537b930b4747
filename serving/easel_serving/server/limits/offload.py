"""Work that would hold up the event loop goes to a thread; small work does not, for handing it over costs more."""

import asyncio
from collections.abc import Callable
from typing import Any

INLINE_BYTES = 256 << 10
"""About a millisecond of reading JSON and base64."""


async def beside(size: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function that has `size` bytes to read."""
    if size <= INLINE_BYTES:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)
