"""When to try again: exponential backoff with full jitter (Brooker 2015, "Exponential Backoff And Jitter")."""

import time
from collections.abc import Callable
from typing import Any

import tenacity

from easel_serving.client.errors import RequestError
from easel_serving.client.options import Options

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0

_backoff = tenacity.wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE)


def policy(options: Options) -> dict[str, Any]:
    """The arguments of `tenacity.Retrying` or `tenacity.AsyncRetrying` for one request.

    An error that another try cannot mend is raised at once; the last one when the tries are used up, or when the pause
    before the next would end after `timeout`. A pause is at least as long as the server asked for.
    """
    return {
        "retry": tenacity.retry_if_exception(_worth_a_try),
        "wait": _pause,
        "stop": tenacity.stop_after_attempt(options.tries) | tenacity.stop_before_delay(options.timeout),
        "reraise": True,
    }


def countdown(server: str, timeout: float) -> Callable[[], float]:
    """A function that says how many seconds of `timeout` are left; from now on.

    It raises RequestError (DEADLINE_EXCEEDED) when there are none.
    """
    end = time.monotonic() + timeout

    def left() -> float:
        seconds = end - time.monotonic()
        if seconds <= 0:
            raise RequestError(server, "DEADLINE_EXCEEDED", f"no answer in {timeout:g} s")
        return seconds

    return left


def _worth_a_try(error: BaseException) -> bool:
    return isinstance(error, RequestError) and error.retryable


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return max(getattr(error, "retry_after", 0.0), _backoff(state))
