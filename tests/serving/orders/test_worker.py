"""Workers: what they hand in, what they try again, what ends with them."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from easel_serving.orders.files import Away
from easel_serving.orders.painter import Refused
from easel_serving.orders.queue import Orders
from easel_serving.orders.table import DONE, FAILED, QUEUED
from easel_serving.orders.wishes import Wishes, parse
from easel_serving.orders.worker import TOO_LONG, Worker
from easel_serving.protocol.errors import ServingError
from easel_serving.storage.database import Unavailable

WISHES = parse({"style": "wave"})


def _reversed(
    wishes: Wishes, photo: bytes, mask: bytes | None, report: Callable[[float], None]
) -> tuple[bytes, str, dict]:
    report(0.5)
    return photo[::-1], ".png", {"model": "style", "version": 1}


@pytest.fixture
def queue(tmp_path: Path) -> Orders:
    return Orders.open(tmp_path)


def test_it_paints_and_stops_when_told(queue: Orders) -> None:
    placed = [queue.place("", WISHES, f"photo {i}".encode())[0].id for i in range(3)]
    Worker(queue, _reversed).run(lambda: queue.statistics().states.get(QUEUED, 0) == 0)
    for i, order in enumerate(map(queue.find, placed)):
        assert (order.state, queue.files.get(order.result)) == (DONE, f"photo {i}".encode()[::-1])


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Refused("photo: not an image"), FAILED),
        (ServingError("no style serves here"), QUEUED),
        (OSError(5, "Input/output error"), QUEUED),
        (MemoryError(), QUEUED),
    ],
)
def test_what_may_pass_is_tried_again_and_bad_input_is_not(queue: Orders, error: Exception, state: str) -> None:
    def fails(*_: object) -> tuple[bytes, str, dict]:
        raise error

    placed, _ = queue.place("", WISHES, b"photo")
    Worker(queue, fails).paint(queue.leases.take())
    found = queue.find(placed.id)
    assert found.state == state
    assert found.reason == (str(error) or "MemoryError")


def test_a_picture_is_handed_in_when_database_and_store_are_there_again(
    queue: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, left = queue.leases.finish, [Unavailable, Away]

    def gone(*arguments: object) -> bool:
        if left:
            raise left.pop()("gone")
        return finish(*arguments)

    monkeypatch.setattr(queue.leases, "finish", gone)
    placed, _ = queue.place("", WISHES, b"photo")
    Worker(queue, _reversed).paint(queue.leases.take())
    assert queue.find(placed.id).state == DONE


def test_an_order_that_hangs_ends_its_process(tmp_path: Path) -> None:
    queue = Orders.open(tmp_path)
    placed, _ = queue.place("", WISHES, b"photo")
    script = textwrap.dedent(
        f"""
        import time
        from easel_serving.orders.queue import Orders
        from easel_serving.orders.worker import Worker
        Worker(Orders.open({str(tmp_path)!r}), lambda *_: time.sleep(600), seconds=0.2).run(lambda: False)
        """
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == TOO_LONG
    found = queue.find(placed.id)
    assert (found.state, found.reason) == (QUEUED, "painting took longer than 0.2 s")
