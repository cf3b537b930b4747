"""Work in threads: in order, bounded, and with the errors of the work."""

import threading
import time

import pytest

from components.image_folder_example_gen.inspection import threads


def test_results_come_in_order():
    with threads.Pool() as pool:
        assert list(threads.ordered(pool, lambda x: x * x, range(1000))) == [x * x for x in range(1000)]
        assert list(threads.ordered(pool, lambda x: x, [])) == []


def test_no_more_is_begun_than_can_be_taken_soon():
    begun, lock = [], threading.Lock()

    def work(item):
        with lock:
            begun.append(item)
        return item

    with threads.Pool() as pool:
        results = threads.ordered(pool, work, range(10_000), ahead=64)
        for _ in range(10):
            next(results)
    assert len(begun) <= 64 + 2 * threads.CHUNK


def test_an_error_in_the_work_is_raised_to_the_taker():
    with threads.Pool() as pool, pytest.raises(ZeroDivisionError):
        list(threads.ordered(pool, lambda x: 1 / x, [1, 0]))


def test_an_item_that_takes_too_long_is_left_behind_and_the_others_are_done():
    release = threading.Event()

    def work(item):
        if item in (3, 11):
            release.wait(600)  # however long a busy machine keeps the taker from looking
        return item

    started = time.monotonic()
    with threads.Pool() as pool:
        results = list(threads.ordered(pool, work, range(40), seconds=0.2, late=lambda item: -item))
    assert results == [-item if item in (3, 11) else item for item in range(40)]
    assert time.monotonic() - started < 300
    release.set()
