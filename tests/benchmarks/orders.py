"""Orders: what the queue costs, and how long one takes.

    python -m tests.benchmarks.orders queue [--postgresql] [--orders 600] [--sleep 0.02] [--workers 1 2 4]
                                      orders a second by workers whose painters sleep, what is synced to the disk for
                                      one, processor time, memory (10,000 orders: --sleep 0 --photo-bytes 2000)
    python -m tests.benchmarks.orders one --photo PHOTO --style NAME [--serving DIR] [--size 2048] [--orders 20]
                                      one order after the other, by the network that serves or the one that ships

Both run in a folder of their own, which is removed; `--folder` names one (`/dev/shm/...` for a disk that costs
nothing). What kills do to the queue is in `orders_server`.
"""

import argparse
import collections
import contextlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from easel_serving.orders import worker
from easel_serving.orders.limits import Limits
from easel_serving.orders.queue import Orders
from easel_serving.orders.table import DONE
from easel_serving.orders.wishes import parse
from easel_serving.storage.database import Database

from tests.benchmarks.orders_server import postgresql, resident

WISHES = parse({"style": "wave"})


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["queue", "one", "work"])
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--orders", type=int, default=600)
    parser.add_argument("--sleep", type=float, default=0.02)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--photo-bytes", type=int, default=200_000)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--style")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--serving", type=Path, default=Path("none"))
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if given.folder is None:
            given.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easel-orders-")))
        if given.postgresql:
            given.url = stack.enter_context(postgresql(given.folder.parent)).get_uri()
        {"queue": measure, "one": one, "work": work}[given.what](given)


def measure(given: argparse.Namespace) -> None:
    """Orders a second by each number of workers."""
    orders, photo = _open(given), random.Random(0).randbytes(given.photo_bytes)
    name = "PostgreSQL" if given.url else "SQLite"
    print(f"{name}, {given.orders} orders of {given.sleep} s, fsync {_fsync(given)}")
    print(f"synced for one order: placed {_synced(lambda: orders.place('', WISHES, photo))}, ", end="")
    print(f"painted {_synced(lambda: orders.leases.finish(orders.leases.take(), photo, '.jpg', {}))}")
    done, rates = 1, []
    for workers in given.workers:
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(given.orders):
            orders.place("", WISHES, photo)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        placed = f"placed {given.orders / seconds:.0f}/s, {1e3 * cpu / given.orders:.1f} ms of processor time each"
        begun, sizes = orders.statistics().states.get(DONE, 0), []
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with _running(given, "work", workers) as processes:
            while orders.statistics().states[DONE] == begun:
                time.sleep(0.01)
            first, start = orders.statistics().states[DONE], time.perf_counter()
            while (now := orders.statistics().states[DONE]) < done + given.orders:
                sizes.append(max(resident(process.pid) for process in processes))
                time.sleep(0.2)
            seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        done, rate = now, (now - first) / seconds
        rates.append(rate)
        print(
            f"{placed}; {workers} worker(s): painted {rate:.0f}/s, {rate / workers * given.sleep:.0%} asleep, ", end=""
        )
        print(f"{1e3 * cpu / given.orders:.1f} ms of processor time each with start, ", end="")
        middle = max(sizes[len(sizes) // 4 : len(sizes) // 2] or [0])
        print(f"memory {sizes[0]:.0f} MB, second quarter {middle:.0f}, end {sizes[-1]:.0f}")
    for workers, rate in zip(given.workers[1:], rates[1:], strict=True):
        print(f"{workers} workers paint {rate / rates[0]:.2f}x as many as {given.workers[0]}")


def one(given: argparse.Namespace) -> None:
    """The time from placing to the picture of an order that waits for nobody."""
    from easel_serving.orders.network import NetworkPainter

    orders, painter = _open(given), NetworkPainter(given.serving)
    wishes, photo = parse({"style": given.style, "size": given.size}), given.photo.read_bytes()
    walls, cpus, painting, sizes = [], [], [], []

    def timed(*arguments):
        wall, cpu = time.perf_counter(), time.process_time()
        picture = painter(*arguments)
        painting.append((time.perf_counter() - wall, time.process_time() - cpu))
        return picture

    for _ in range(given.orders + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        orders.place("", wishes, photo)
        worker.Worker(orders, timed).paint(orders.leases.take())
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        sizes.append(resident(os.getpid()))
    print(f"{given.size} pixels; first, with loading: {walls[0]:.2f} s, {cpus[0]:.2f} s of processor time")
    for name, seconds in (("wall", walls), ("processor", cpus)):
        middle, most = np.percentile(seconds[1:], [50, 95])
        print(f"{name}: median {middle:.3f} s, 95th percentile {most:.3f} s; {86_400 / middle:.0f} a day")
    own = [
        1 - sum(part[1:]) / sum(whole[1:])
        for part, whole in zip(zip(*painting, strict=False), (walls, cpus), strict=False)
    ]
    print(f"the queue's own share: {own[0]:.1%} of the wall time, {own[1]:.1%} of the processor time")
    tenth = max(1, len(sizes) // 10)
    print(f"memory after a tenth {sizes[tenth]:.0f} MB, at the end {sizes[-1]:.0f} MB")


def work(given: argparse.Namespace) -> None:
    """A worker whose painter sleeps."""

    def paint(wishes, photo, mask, report):
        time.sleep(given.sleep)
        return photo[:1000][::-1], ".png", {}

    worker.Worker(_open(given), paint).run(lambda: False)


def _synced(call) -> str:
    counts, fsync, writing = collections.Counter(), os.fsync, Database.writing

    def counted(descriptor):
        counts["fsync"] += 1
        fsync(descriptor)

    def noted(self, durable=True):
        counts["transactions" if durable else "transactions that are not synced"] += 1
        return writing(self, durable)

    os.fsync, Database.writing = counted, noted
    try:
        call()
    finally:
        os.fsync, Database.writing = fsync, writing
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _fsync(given: argparse.Namespace) -> str:
    with open(given.folder / "probe", "wb") as file:
        start = time.perf_counter()
        for _ in range(20):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    return f"{1e3 * (time.perf_counter() - start) / 20:.1f} ms"


def _open(given: argparse.Namespace) -> Orders:
    return Orders.open(given.url or given.folder, given.folder, Limits(attempts=100))


def _start(given: argparse.Namespace, what: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.benchmarks.orders", what, "--folder", str(given.folder)]
    command += ["--orders", str(given.orders), "--sleep", str(given.sleep)]
    return subprocess.Popen(command + (["--url", given.url] if given.url else []))


@contextlib.contextmanager
def _running(given: argparse.Namespace, what: str, count: int) -> Iterator[list[subprocess.Popen]]:
    processes = [_start(given, what) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
