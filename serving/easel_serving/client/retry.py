"""When to try again: exponential backoff with full jitter (Brooker 2015, "Exponential Backoff And Jitter")."""

import random
import time
from collections.abc import Callable

from easel_serving.client.errors import RequestError

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


class Tries:
    """The tries of one request, within a deadline.

    Args:
        server: for the message.
        timeout: seconds for all of them.
        limit: how many there are at most.
        clock, jitter: for tests; `jitter(a, b)` is a random number between both.
    """

    def __init__(
        self,
        server: str,
        timeout: float,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ):
        self._server, self._timeout, self._limit = server, timeout, limit
        self._clock, self._jitter = clock, jitter
        self._end = clock() + timeout
        self._made = 0

    def left(self) -> float:
        """Seconds that the next try may take; raises RequestError (DEADLINE_EXCEEDED) when none are left."""
        left = self._end - self._clock()
        if left <= 0:
            raise RequestError(self._server, "DEADLINE_EXCEEDED", f"no answer in {self._timeout:g} s")
        return left

    def pause(self, error: RequestError) -> float:
        """Seconds to wait before the next try; raises `error` when there is no use, no try or no time left."""
        self._made += 1
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._made - 1))
        pause = max(error.retry_after, self._jitter(0.0, ceiling))
        if not error.retryable or self._made >= self._limit or self._clock() + pause >= self._end:
            raise error
        return pause
