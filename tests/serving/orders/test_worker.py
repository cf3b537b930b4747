"""Workers: what they hand in, what they try again, what ends with them."""

import os
import signal
import subprocess
import sys
import textwrap
import time
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


def test_orders_survive_their_workers_kills(tmp_path: Path) -> None:
    """kill -9 in the middle of orders, six times: none lost, each finished once."""
    queue = Orders.open(tmp_path)
    placed = [queue.place("", WISHES, f"photo {i}".encode())[0].id for i in range(60)]
    finished = tmp_path / "finished"
    script = textwrap.dedent(
        f"""
        import time
        from easel_serving.orders import leases, queue
        leases.LEASE_SECONDS = 0.6
        from easel_serving.orders import worker
        worker.LEASE_SECONDS = 0.6
        orders = queue.Orders.open({str(tmp_path)!r}, limits=queue.Limits(attempts=100))
        finish = orders.leases.finish
        def noted(order, *rest):
            done = finish(order, *rest)
            if done:
                with open({str(finished)!r}, "a") as file:
                    file.write(order.id + chr(10))
            return done
        orders.leases.finish = noted
        def paint(wishes, photo, mask, report):
            time.sleep(0.02)
            return photo[::-1], ".png", {{}}
        worker.Worker(orders, paint).run(lambda: False)
        """
    )

    def start() -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", script])

    workers = [start(), start()]
    try:
        for kill in range(6):
            time.sleep(1.0)
            os.kill(workers[kill % 2].pid, signal.SIGKILL)
            workers[kill % 2].wait()
            workers[kill % 2] = start()
        deadline = time.monotonic() + 120
        while queue.statistics().states != {DONE: 60} and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    orders = [queue.find(order) for order in placed]
    assert {order.state for order in orders} == {DONE}
    assert [queue.files.get(order.result) for order in orders] == [f"photo {i}".encode()[::-1] for i in range(60)]
    noted = finished.read_text().split()
    assert len(noted) == len(set(noted)), "none was finished twice"
