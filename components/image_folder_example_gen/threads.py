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


CHUNK = 8
"""Items that a thread takes at once: handing over a single small photo costs a tenth of decoding it."""


def ordered(
    threads: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], ahead: int = 64
) -> Iterator[Result]:
    """Results in the order of the items, with about `ahead` items begun and not yet taken: memory stays bounded."""
    remaining = iter(items)
    chunks = iter(lambda: list(itertools.islice(remaining, CHUNK)), [])
    begun = collections.deque(threads.submit(_each, work, chunk) for chunk in itertools.islice(chunks, ahead // CHUNK))
    while begun:
        results = begun.popleft().result()
        begun.extend(threads.submit(_each, work, chunk) for chunk in itertools.islice(chunks, 1))
        yield from results


def _each(work: Callable[[Item], Result], chunk: list[Item]) -> list[Result]:
    return [work(item) for item in chunk]
