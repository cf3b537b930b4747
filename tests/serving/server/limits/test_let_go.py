"""What a refused request sent is let go at once, and does not wait for the garbage collector."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable

import numpy as np
import pytest
from easel_serving.protocol.status import StatusError, invalid
from easel_serving.server.limits.batching import Batcher, Limits
from easel_serving.server.limits.metrics import Metrics
from easel_serving.server.limits.offload import within
from easel_serving.server.loading.core import Core


@pytest.fixture(autouse=True)
def no_collector():
    gc.disable()
    yield
    gc.enable()


class Refuses:
    """A servable whose model takes nothing."""

    def __init__(self):
        self._batcher = Batcher(self._run, Limits())
        self.submit = self._batcher.submit
        self.close = self._batcher.close

    def _run(self, signature, inputs):
        raise invalid("no image")


async def _refused(awaited: Awaitable) -> None:
    """`pytest.raises` and `asyncio.run` would keep the error themselves."""
    try:
        await awaited
    except StatusError:
        return
    pytest.fail("not refused")


def _sent() -> tuple[dict[str, np.ndarray], weakref.ref]:
    inputs = {"image_bytes": np.array([b"x"], object)}
    return inputs, weakref.ref(inputs["image_bytes"])


@pytest.mark.parametrize("way", ["coroutine", "thread"])
def test_inputs_that_a_model_refuses(way):
    servable, core = Refuses(), Core(None, Metrics())
    inputs, watched = _sent()
    if way == "thread":
        try:
            core.run_blocking(servable, "", inputs)
        except StatusError:
            del inputs
    else:
        asyncio.run(_refused(core.run(servable, "", inputs)))
        del inputs
    servable.close()
    assert watched() is None


def test_what_a_coroutine_held_that_failed():
    seen = []

    async def fails():
        held = np.zeros(3)
        seen.append(weakref.ref(held))
        await asyncio.sleep(0)
        raise invalid("too large")

    asyncio.run(_refused(within(5, fails())))
    assert seen[0]() is None


def test_waiting_ends_and_cancels():
    cancelled = []

    async def sleeps():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def waits():
        with pytest.raises(TimeoutError):
            await within(0.01, sleeps())
        await asyncio.sleep(0)

    asyncio.run(waits())
    assert cancelled == [True]
    assert asyncio.run(within(5, asyncio.sleep(0, 7))) == 7
