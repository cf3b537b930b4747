"""Orders: what the queue costs, and what kills do to it.

    python -m tests.benchmarks.orders queue [--url postgresql://...]     orders a second, with painters that sleep
    python -m tests.benchmarks.orders crash [--orders 2000 --kills 20] [--url ...]
                                      kill -9 of workers and of who places at random moments: none lost, none twice

Both run in a folder of their own, which is removed. Ratios are against one process that only sleeps as long.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from easel_serving.orders import leases, worker
from easel_serving.orders.limits import Limits
from easel_serving.orders.queue import Orders
from easel_serving.orders.table import DONE
from easel_serving.orders.wishes import parse
from easel_serving.protocol.errors import ServingError

WISHES = parse({"style": "wave"})
PHOTO = random.Random(0).randbytes(200_000)


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["queue", "crash", "work", "place"])
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--sleep", type=float, default=0.02)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if given.folder is None:
            given.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easel-orders-")))
        {"queue": measure, "crash": crash, "work": work, "place": place}[given.what](given)


def measure(given: argparse.Namespace) -> None:
    """Orders a second, placing and painting apart."""
    orders = _open(given)
    start = time.perf_counter()
    for _ in range(given.orders):
        orders.place("", WISHES, PHOTO)
    placing = time.perf_counter() - start
    start = time.perf_counter()
    with _running(given, "work", given.workers):
        while orders.statistics().states.get(DONE, 0) < given.orders:
            time.sleep(0.1)
    painting = time.perf_counter() - start
    bare = given.orders * given.sleep / given.workers
    print(f"{orders._database.place.split('/')[0]} {given.workers} workers, {given.orders} orders of {given.sleep} s")
    print(
        f"placed {given.orders / placing:.0f}/s; painted {given.orders / painting:.0f}/s, {painting / bare:.2f}x sleep"
    )


def crash(given: argparse.Namespace) -> None:
    """Kills at random moments while orders are placed and painted; then counts."""
    orders, rng = _open(given), random.Random(0)
    running = {"place": [_start(given, "place")], "work": [_start(given, "work") for _ in range(given.workers)]}
    kills, next_kill = 0, 5
    deadline = time.monotonic() + 1200
    while time.monotonic() < deadline:
        time.sleep(0.05)
        states = orders.statistics().states
        # By what was painted since the last one, so that kills fall into work and not into imports.
        if kills < given.kills and states.get(DONE, 0) >= next_kill:
            group = running[rng.choice(["place", "work", "work"])]
            victim = rng.randrange(len(group))
            if group[victim].poll() is None:
                os.kill(group[victim].pid, signal.SIGKILL)
                group[victim].wait()
                kills += 1
            next_kill = states[DONE] + rng.randrange(5, max(6, 2 * given.orders // given.kills - 20))
        for name, group in running.items():
            for index, process in enumerate(group):
                if process.poll() is not None and process.returncode != 0:
                    group[index] = _start(given, name)
        if running["place"][0].poll() == 0 and set(states) == {DONE} and states[DONE] == given.orders:
            break
    for process in running["work"]:
        process.kill()
        process.wait()
    keys = {f"order {number}" for number in range(given.orders)}
    finished = (given.folder / "finished").read_text().split()
    found, before = [], None
    while page := orders.page(limit=500, before=before):
        found += page
        before = page[-1].id
    lost = len(keys) - len(found)
    wrong = sum(orders.files.get(order.result) != PHOTO[:1000][::-1] for order in found if order.result)
    print(f"{given.orders} orders, {kills} kills: {lost} lost, {len(finished) - len(set(finished))} finished twice, ")
    print(f"{len(found) - len(set(finished))} finished by nobody or by one that was killed before it could say so, ")
    print(f"{wrong} wrong pictures, {sum(o.attempts > 1 for o in found)} painted again, states {states}")
    print(f"{len(orders.files.orphans({n for o in found for n in (o.photo, o.result)}, 1e12))} files of no order")


def work(given: argparse.Namespace) -> None:
    """A worker whose painter sleeps."""
    leases.LEASE_SECONDS = worker.LEASE_SECONDS = 3.0
    orders = _open(given)
    finish = orders.leases.finish

    def noted(order, *rest):
        done = finish(order, *rest)
        if done:
            with open(given.folder / "finished", "a") as file:
                file.write(f"{order.id}\n")
        return done

    def paint(wishes, photo, mask, report):
        time.sleep(given.sleep)
        return photo[:1000][::-1], ".png", {}

    orders.leases.finish = noted
    worker.Worker(orders, paint).run(lambda: False)


def place(given: argparse.Namespace) -> None:
    """Who places orders: after a kill it begins again, with the same keys."""
    orders, number = _open(given), 0
    while number < given.orders:
        try:
            orders.place("", WISHES, PHOTO, f"order {number}")
            number += 1
        except ServingError as error:
            print(f"placing: {error}", file=sys.stderr)
            time.sleep(0.5)


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
