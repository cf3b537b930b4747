import gc
import threading
import time
import weakref

import numpy as np
import pytest
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import StatusError
from easel_serving.server.limits.batching import PIXELS, Batcher, Limits


class Doubler:
    """Doubles its rows, records the sizes of its batches, fails on a negative row and can be held up."""

    def __init__(self):
        self.sizes = []
        self.batches = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, signature, inputs):
        self.gate.wait(10)
        self.sizes.append(len(inputs["x"]))
        self.batches.append(set(inputs["x"].ravel()))
        if (inputs["x"] < 0).any():
            raise ValueError("negative")
        return {"y": inputs["x"] * 2}


@pytest.fixture
def doubler():
    return Doubler()


@pytest.fixture
def batcher(doubler):
    made = Batcher(doubler, Limits(max_batch_size=4, batch_timeout_micros=200_000, num_batch_threads=1))
    yield made
    doubler.gate.set()
    made.close()


def rows(*values):
    return {"x": np.array(values, np.float32)}


def test_requests_run_together_and_get_their_own_rows(batcher, doubler):
    futures = [batcher.submit("s", rows(*values)) for values in [(1,), (2, 3), (4,), (5,)]]
    assert [future.result(5)["y"].tolist() for future in futures] == [[2], [4, 6], [8], [10]]
    assert doubler.sizes == [4, 1]


def test_other_signatures_and_shapes_are_not_mixed(batcher, doubler):
    futures = [batcher.submit("s", rows(1)), batcher.submit("t", rows(2)), batcher.submit("s", {"x": np.ones((1, 3))})]
    assert [future.result(5)["y"].shape for future in futures] == [(1,), (1,), (1, 3)]
    assert doubler.sizes == [1, 1, 1]


def test_one_bad_request_does_not_fail_its_neighbours(batcher):
    good, bad, other = (batcher.submit("s", rows(value)) for value in (1, -1, 3))
    assert (good.result(5)["y"].tolist(), other.result(5)["y"].tolist()) == ([2], [6])
    with pytest.raises(ValueError, match="negative"):
        bad.result(5)


def test_a_full_queue_answers_at_once(doubler):
    doubler.gate.clear()
    batcher = Batcher(doubler, Limits(max_batch_size=1, max_enqueued_batches=2, num_batch_threads=1))
    running = batcher.submit("s", rows(0))
    while len(batcher._tasks):
        time.sleep(0.001)
    waiting = [batcher.submit("s", rows(1)), batcher.submit("s", rows(2))]
    with pytest.raises(StatusError, match="queue is full") as refused:
        batcher.submit("s", rows(3))
    assert refused.value.http == 429
    doubler.gate.set()
    assert [future.result(5)["y"][0] for future in [running, *waiting]] == [0, 2, 4]
    batcher.close()
    with pytest.raises(StatusError, match="being unloaded"):
        batcher.submit("s", rows(4))


def test_inputs_that_cannot_be_batched_are_refused(batcher):
    for inputs, message in (
        (rows(*range(9)), "Task size 9 is larger than maximum input batch size 4"),
        ({"x": np.float32(1)[()] * np.ones(())}, "at least one dimension"),
        ({"x": np.zeros(2), "z": np.zeros(3)}, "equal 0th-dimension size"),
    ):
        with pytest.raises(StatusError, match=message) as error:
            batcher.submit("s", inputs)
        assert error.value.code == "INVALID_ARGUMENT"


def test_what_is_decoded_together_is_bounded(batcher, doubler):
    half = PIXELS // 2 + 1
    futures = [batcher.submit("s", rows(number), pixels) for number, pixels in enumerate([0, half, half, PIXELS, 0])]
    assert [future.result(5)["y"].tolist() for future in futures] == [[0], [2], [4], [6], [8]]
    assert not any(len({1, 2, 3} & batch) > 1 for batch in doubler.batches)


def test_limits_are_read_and_faults_named(tmp_path):
    (tmp_path / "batching.config").write_text("max_batch_size { value: 3 } batch_timeout_micros { value: 0 }")
    assert Limits.read(tmp_path) == Limits(max_batch_size=3, batch_timeout_micros=0)
    (tmp_path / "batching.config").write_text("num_batch_threads { value: 0 }")
    with pytest.raises(ServingError, match=r"batching.config: num_batch_threads must be a whole number of at least 1"):
        Limits.read(tmp_path)
    (tmp_path / "batching.config").write_text("{")
    with pytest.raises(ServingError, match=r"not a TensorFlow Serving batching configuration"):
        Limits.read(tmp_path)


def test_limits_come_from_the_file(tmp_path):
    assert Limits.read(tmp_path) == Limits()
    (tmp_path / "batching.config").write_text("max_batch_size { value: 3 } num_batch_threads { value: 1 }")
    assert Limits.read(tmp_path) == Limits(max_batch_size=3, num_batch_threads=1)


def test_a_request_that_nobody_waits_for_leaves_the_queue(batcher, doubler):
    """Its bytes are counted no longer, so they must not be there: a slow model's queue held gigabytes."""
    doubler.gate.clear()
    running = batcher.submit("s", rows(1))
    while not running.running():
        time.sleep(0.01)
    inputs = rows(2)
    watched = weakref.ref(inputs["x"])
    waiting, given_up = batcher.submit("s", rows(3)), batcher.submit("s", inputs)
    del inputs
    assert given_up.cancel()
    gc.collect()
    assert watched() is None
    doubler.gate.set()
    assert (running.result(5)["y"].tolist(), waiting.result(5)["y"].tolist()) == ([2], [6])
    assert doubler.sizes == [1, 1]


def test_a_request_without_inputs_is_refused(batcher):
    with pytest.raises(StatusError, match="needs at least one input"):
        batcher.submit("s", {})
