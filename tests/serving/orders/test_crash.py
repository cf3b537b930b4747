"""kill -9 of server and workers while orders come in; `tests.benchmarks.orders_server` does the same at length."""

import concurrent.futures
import io
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import pytest
from easel_serving.orders.queue import Orders
from easel_serving.orders.table import DONE
from PIL import Image

COUNT, KILLS = 40, 4
SERVER = """
    import uvicorn
    from easel_serving.orders.queue import Orders
    from easel_serving.server.api.orders import OrdersApi
    from easel_serving.server.limits.bounds import Bounds, Budget
    from starlette.applications import Starlette

    api = OrdersApi(Orders.open({folder!r}), lambda name: None, [], [], Bounds(), Budget(1 << 20))
    uvicorn.run(Starlette(routes=api.routes()), port={port}, log_config=None)
"""
WORKER = """
    import time
    from easel_serving.orders import leases, queue

    leases.LEASE_SECONDS = 0.6
    from easel_serving.orders import worker

    worker.LEASE_SECONDS = 0.6
    orders = queue.Orders.open({folder!r}, limits=queue.Limits(attempts=100))
    finish = orders.leases.finish

    def noted(order, *rest):
        done = finish(order, *rest)
        if done:
            with open({folder!r} + "/finished", "a") as file:
                file.write(order.id + chr(10))
        return done

    def paint(wishes, photo, mask, report):
        time.sleep(0.02)
        return photo[::-1], ".png", {{}}

    orders.leases.finish = noted
    worker.Worker(orders, paint).run(lambda: False)
"""


def _photo(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2), (number, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def _place(address: str, number: int) -> str:
    """Asks again until the order is taken, as clients do; its id."""
    request = {"files": {"photo": _photo(number)}, "data": {"style": "wave"}}
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            answer = httpx.post(address, headers={"Idempotency-Key": f"order {number}"}, timeout=10, **request)
            if answer.status_code == 202:
                return answer.json()["id"]
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server takes no orders")


def test_none_is_lost_and_each_is_finished_once(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    queue, address = Orders.open(tmp_path), f"http://127.0.0.1:{port}/v1/orders"
    scripts = [textwrap.dedent(script).format(folder=str(tmp_path), port=port) for script in (SERVER, WORKER, WORKER)]
    processes = [subprocess.Popen([sys.executable, "-c", script]) for script in scripts]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        placing = [pool.submit(_place, address, number) for number in range(COUNT)]
        try:
            for kill in range(KILLS):
                # By what is done, so that kills fall into work on slow machines, too.
                deadline = time.monotonic() + 60
                while queue.statistics().states.get(DONE, 0) < 8 * kill + 2 and time.monotonic() < deadline:
                    time.sleep(0.02)
                victim = kill % 3
                os.kill(processes[victim].pid, signal.SIGKILL)
                processes[victim].wait()
                processes[victim] = subprocess.Popen([sys.executable, "-c", scripts[victim]])
            placed = [future.result() for future in placing]
            deadline = time.monotonic() + 120
            while queue.statistics().states != {DONE: COUNT} and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            for process in processes:
                process.kill()
                process.wait()
    assert len(set(placed)) == COUNT
    assert queue.statistics().states == {DONE: COUNT}, "none is lost, and none is there twice"
    for number, order in enumerate(map(queue.find, placed)):
        assert queue.files.get(order.result) == _photo(number)[::-1], "everyone gets their own picture"
    finished = (tmp_path / "finished").read_text().split()
    assert len(finished) == len(set(finished)), "none was finished twice"
