"""Decoding in threads, with a time limit for each item: Pillow, OpenCV, hashing and reading release Python's lock."""

import collections
import itertools
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 8
"""Items that a thread takes at once: handing over a single small photo costs a tenth of decoding it."""


class Pool:
    """A thread per processor that this process may use, or as many as EASEL_THREADS says; a context manager.

    Not concurrent.futures', whose threads keep the interpreter from ending: a decoder that hangs cannot be stopped,
    only left behind.
    """

    def __init__(self):
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self.size = int(os.environ.get("EASEL_THREADS") or len(os.sched_getaffinity(0)))
        for _ in range(self.size):
            self.start_thread()

    def start_thread(self) -> None:
        """Adds a thread, in place of one that is left behind."""
        threading.Thread(target=self._run, daemon=True).start()

    def submit(self, task: "_Task") -> None:
        """Queues work."""
        self._tasks.put(task)

    def shutdown(self) -> None:
        """Lets the threads end."""
        for _ in range(self.size):
            self._tasks.put(None)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_) -> None:
        self.shutdown()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None and task.run():
            pass


class Stream(Generic[Item, Result]):
    """Results in the order of the items, which are put in and taken out as suits the caller."""

    def __init__(
        self,
        pool: Pool,
        work: Callable[[Item], Result],
        seconds: float = float("inf"),
        late: Callable[[Item], Result] | None = None,
        chunk: int = CHUNK,
    ):
        """Begins without items.

        Args:
            pool: where the work is done.
            work: makes the result; what it raises is raised when the result is taken.
            seconds: that the work may take for one item.
            late: makes the result of an item that took longer.
            chunk: items that a thread takes at once.
        """
        self._pool, self._work, self._seconds, self._late, self._chunk = pool, work, seconds, late, chunk
        self._begun: collections.deque[_Task] = collections.deque()
        self._waiting = 0

    def put(self, items: Iterable[Item]) -> None:
        """Adds items."""
        remaining = iter(items)
        while chunk := list(itertools.islice(remaining, self._chunk)):
            self._waiting += len(chunk)
            self._begun.append(self._submit(chunk))

    def take(self, leave: int = 0) -> Iterator[Result]:
        """The next results, until about `leave` items are left: memory stays bounded."""
        while self._begun and self._waiting > leave:
            task = self._begun.popleft()
            while not task.done.wait(min(self._seconds, threading.TIMEOUT_MAX)):
                if (index := task.overdue(self._seconds)) is not None:
                    self._replace(task, index)
                    break
            self._waiting -= len(task.results)
            yield from task.results
            if task.error:
                raise task.error

    def _submit(self, chunk: list[Item]) -> "_Task":
        task = _Task(self._work, chunk)
        self._pool.submit(task)
        return task

    def _replace(self, task: "_Task", index: int) -> None:
        """Goes on behind an item that takes too long, in another thread."""
        self._pool.start_thread()
        if rest := task.items[index + 1 :]:
            self._begun.appendleft(self._submit(rest))
        task.results = [*task.results, self._late(task.items[index])]


def ordered(
    pool: Pool,
    work: Callable[[Item], Result],
    items: Iterable[Item],
    ahead: int = 64,
    seconds: float = float("inf"),
    late: Callable[[Item], Result] | None = None,
) -> Iterator[Result]:
    """Results in the order of the items, with about `ahead` items begun and not yet taken; the rest as in `Stream`."""
    stream = Stream(pool, work, seconds, late)
    remaining = iter(items)
    while chunk := list(itertools.islice(remaining, CHUNK)):
        stream.put(chunk)
        yield from stream.take(ahead - CHUNK)
    yield from stream.take()


class _Task(Generic[Item, Result]):
    """Some items for one thread."""

    def __init__(self, work: Callable[[Item], Result], items: list[Item]):
        self.items, self._work = items, work
        self.results: list[Result] = []
        self.error: BaseException | None = None
        self.done = threading.Event()
        self._began: float | None = None
        self._abandoned = False
        self._lock = threading.Lock()

    def run(self) -> bool:
        """Does the work; False when nobody waits for it any more."""
        for item in self.items:
            self._began = time.monotonic()
            try:
                result = self._work(item)
            except BaseException as error:
                self.error = error
                break
            with self._lock:
                if self._abandoned:
                    return False
                self.results.append(result)
        self.done.set()
        return True

    def overdue(self, seconds: float) -> int | None:
        """Abandons the task if its current item takes longer than `seconds`; the index of that item, or None."""
        with self._lock:
            if self.done.is_set() or self._began is None or time.monotonic() - self._began < seconds:
                return None
            if len(self.results) == len(self.items):
                return None
            self._abandoned = True
            return len(self.results)
