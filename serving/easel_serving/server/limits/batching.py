"""Dynamic batching: concurrent requests for one signature are run together, in a bounded number of threads.

The same four numbers as TensorFlow Serving's batching configuration (tensorflow_serving/batching/README.md). Unlike
there, a batch that fails is run again request by request: one broken image must not fail its neighbours.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import StatusError, invalid
from easel_serving.registry import config_files

PIXELS = 16_000_000
"""Of the images that are decoded for one batch: many large photos at once take gigabytes."""

Tensors = Mapping[str, np.ndarray]
Run = Callable[[str, Tensors], dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Limits:
    """`batching.config`."""

    max_batch_size: int = 16
    batch_timeout_micros: int = 2000
    max_enqueued_batches: int = 64
    num_batch_threads: int = 2

    @classmethod
    def read(cls, serving_dir: Path) -> "Limits":
        """The values of `batching.config`; the defaults where it says nothing.

        Raises:
            ServingError: the file cannot be parsed, or a value is no whole number above 0.
        """
        message = config_files.read_batching(serving_dir)
        names = [field.name for field in dataclasses.fields(cls)]
        given = {name: getattr(message, name).value for name in names if message.HasField(name)}
        for name, value in given.items():
            least = 0 if name == "batch_timeout_micros" else 1
            if value < least:
                path = serving_dir / config_files.BATCHING
                raise ServingError(f"{path}: {name} must be a whole number of at least {least}, not {value}")
        return cls(**given)


@dataclasses.dataclass(eq=False)
class _Task:
    signature: str
    inputs: Tensors
    rows: int
    pixels: int
    future: concurrent.futures.Future


class Batcher:
    """Runs requests of one model version, together where it can.

    Args:
        run: `(signature, inputs) -> outputs`, thread-safe.
        limits: sizes and times.
    """

    def __init__(self, run: Run, limits: Limits):
        self._run = run
        self._limits = limits
        self._tasks: collections.deque[_Task] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(limits.num_batch_threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, signature: str, inputs: Tensors, pixels: int = 0) -> concurrent.futures.Future:
        """Queues a request; the future yields its outputs.

        Args:
            signature: which to run.
            inputs: tensors with a common first dimension of at most `max_batch_size`.
            pixels: of its images. Requests are run together up to `PIXELS` of all.

        Raises:
            StatusError: RESOURCE_EXHAUSTED, at once, when the queue is full; INVALID_ARGUMENT for other inputs.
        """
        rows = _rows(inputs, self._limits.max_batch_size)
        future: concurrent.futures.Future = concurrent.futures.Future()
        with self._changed:
            if self._closed:
                raise StatusError("UNAVAILABLE", "The model version is being unloaded; try again")
            if len(self._tasks) >= self._limits.max_enqueued_batches * self._limits.max_batch_size:
                raise StatusError("RESOURCE_EXHAUSTED", "The batch scheduling queue is full; try again later")
            task = _Task(signature, inputs, rows, pixels, future)
            self._tasks.append(task)
            self._changed.notify()
        future.add_done_callback(functools.partial(self._forget, weakref.ref(task)))
        return future

    def _forget(self, reference: weakref.ref, future: concurrent.futures.Future) -> None:
        """Lets go of a request that nobody waits for any more: the server counts its bytes no longer."""
        task = reference() if future.cancelled() else None
        with self._changed if task is not None else contextlib.nullcontext():
            if task is not None and task in self._tasks:
                self._tasks.remove(task)

    def close(self) -> None:
        """Takes no more requests, and ends once those queued are answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next():
            self._answer(batch)
            del batch  # not kept while waiting for the next

    def _next(self) -> list[_Task]:
        with self._changed:
            while not self._tasks and not self._closed:
                self._changed.wait()
            if not self._tasks:
                return []
            batch = [self._tasks.popleft()]
            deadline = time.monotonic() + self._limits.batch_timeout_micros / 1e6
            rows, pixels = self._limits.max_batch_size - batch[0].rows, PIXELS - batch[0].pixels
            while rows > 0 and pixels > 0 and not self._closed:
                fitting = (task for task in self._tasks if _fits(task, batch[0], rows, pixels))
                task = next(fitting, None)
                if task is not None:
                    self._tasks.remove(task)
                    batch.append(task)
                    rows -= task.rows
                    pixels -= task.pixels
                elif (left := deadline - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    break
            if self._tasks:
                self._changed.notify()
            return batch

    def _answer(self, batch: list[_Task]) -> None:
        batch = [task for task in batch if task.future.set_running_or_notify_cancel()]
        if len(batch) > 1:
            try:
                for task, outputs in zip(batch, self._together(batch), strict=True):
                    task.future.set_result(outputs)
                return
            except Exception:  # whatever it was, each request finds out for itself below
                pass
        while batch:
            task = batch.pop(0)
            try:
                task.future.set_result(self._run(task.signature, task.inputs))
            except Exception as error:
                task.future.set_exception(error)
            finally:
                # The error's traceback has this frame, and the task has the error: a circle would keep the inputs.
                del task

    def _together(self, batch: list[_Task]) -> list[dict[str, np.ndarray]]:
        inputs = {name: np.concatenate([task.inputs[name] for task in batch]) for name in batch[0].inputs}
        outputs = self._run(batch[0].signature, inputs)
        sizes = [task.rows for task in batch]
        if any(value.ndim == 0 or len(value) != sum(sizes) for value in outputs.values()):
            raise ValueError("an output is not per row")
        ends = np.cumsum(sizes)[:-1]
        parts = {name: np.split(value, ends) for name, value in outputs.items()}
        return [{name: parts[name][number] for name in parts} for number in range(len(batch))]


def _rows(inputs: Tensors, limit: int) -> int:
    """The common first dimension, refused as batching_session.cc and shared_batch_scheduler.h do."""
    if not inputs:
        raise invalid("Batching Run() needs at least one input tensor")
    if any(value.ndim == 0 for value in inputs.values()):
        raise invalid("Batching Run() input tensors must have at least one dimension")
    sizes = {len(value) for value in inputs.values()}
    if len(sizes) > 1:
        raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
    rows = sizes.pop()
    if rows > limit:
        raise invalid(f"Task size {rows} is larger than maximum input batch size {limit}")
    return rows


def _fits(task: _Task, first: _Task, rows: int, pixels: int) -> bool:
    return (
        task.signature == first.signature
        and task.rows <= rows
        and task.pixels <= pixels
        and all(
            name in task.inputs
            and task.inputs[name].shape[1:] == value.shape[1:]
            and task.inputs[name].dtype == value.dtype
            for name, value in first.inputs.items()
        )
    )
