"""Decoding in threads: Pillow, hashing and reading all release the interpreter's lock."""

import collections
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def pool() -> ThreadPoolExecutor:
    """A pool with a thread per processor that this process may use."""
    return ThreadPoolExecutor(len(os.sched_getaffinity(0)))


def ordered(
    threads: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], ahead: int = 16
) -> Iterator[Result]:
    """Results in the order of the items, with at most `ahead` items begun and not yet taken: memory stays bounded."""
    remaining = iter(items)
    begun = collections.deque(threads.submit(work, item) for item in itertools.islice(remaining, ahead))
    while begun:
        result = begun.popleft().result()
        begun.extend(threads.submit(work, item) for item in itertools.islice(remaining, 1))
        yield result
