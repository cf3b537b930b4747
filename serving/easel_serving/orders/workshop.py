"""`easel orders work`: worker processes that are started anew when they end, webhooks, and what is cleared away."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from easel_serving.orders.limits import Limits
from easel_serving.orders.painter import Painter
from easel_serving.orders.queue import Orders
from easel_serving.orders.webhooks import Caller
from easel_serving.orders.worker import Worker
from easel_serving.protocol.errors import ServingError
from easel_serving.storage.database import Unavailable

LOGGER = logging.getLogger("easel.orders")

LOG_FORMAT = "%(asctime)s %(message)s"
_CLEAR_SECONDS, _FAULT_SECONDS = 3600.0, 10.0
_RESTART_SECONDS = 1.0
_CALLERS, _IDLE_SECONDS = 4, 0.5
_ASIDE_SECONDS = 15.0


@dataclass(frozen=True)
class Workshop:
    """What is needed to work on orders; every worker process gets a copy.

    Args:
        place: folder or URL of the orders.
        photos: folder or URL of their files; None where `place` is a folder.
        serving_dir: the registry's directory.
        workers: processes that paint.
        seconds: an order may take.
        limits: of the queue.
        secret: of the webhooks; None calls none.
        hosts: that webhooks may call.
    """

    place: str
    photos: str | None
    serving_dir: Path
    workers: int = 1
    seconds: float = 600.0
    limits: Limits = field(default_factory=Limits)
    secret: str | None = None
    hosts: Sequence[str] = ()

    def orders(self) -> Orders:
        """The queue; raises ServingError."""
        return Orders.open(self.place, self.photos, self.limits)

    def painter(self) -> Painter:
        """What a worker paints with."""
        from easel_serving.orders.network import NetworkPainter  # what computes is loaded by who paints only

        return NetworkPainter(self.serving_dir)

    def run(self) -> None:
        """Works until SIGTERM or SIGINT, or its parent is gone; what is being painted then is finished first."""
        logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
        orders, parent = self.orders(), os.getppid()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        tasks = [partial(_clear, orders)]
        if self.secret is not None:
            # Several, so that a receiver that hangs does not hold up the others.
            tasks += [partial(_call, Caller(orders, self.secret, self.hosts)) for _ in range(_CALLERS)]
        aside = [threading.Thread(target=_repeatedly, args=(task, stop), daemon=True) for task in tasks]
        for thread in aside:
            thread.start()
        context = multiprocessing.get_context("spawn")
        running = [self._start(context) for _ in range(self.workers)]
        LOGGER.info("%d worker(s) on %s", self.workers, self.place)
        while not stop.wait(_RESTART_SECONDS) and os.getppid() == parent:
            for index, process in enumerate(running):
                if not process.is_alive():
                    LOGGER.warning("a worker ended (%s) and is started anew", process.exitcode)
                    running[index] = self._start(context)
        stop.set()
        for process in running:
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGTERM)
        for process in running:
            process.join(self.seconds)
        for thread in aside:
            thread.join(_ASIDE_SECONDS)

    def _start(self, context: multiprocessing.context.SpawnContext) -> multiprocessing.process.BaseProcess:
        process = context.Process(target=_work, args=(self, os.getpid()))
        process.start()
        return process


def _clear(orders: Orders) -> float:
    orders.clear()
    return _CLEAR_SECONDS


def _call(caller: Caller) -> float:
    return 0.0 if caller.call_due() else _IDLE_SECONDS


def _repeatedly(task: Callable[[], float], stop: threading.Event) -> None:
    """Does a task again and again until `stop`, and waits as many seconds between as it says."""
    while not stop.is_set():
        try:
            pause = task()
        except ServingError as error:
            LOGGER.warning("%s", error)
            pause = _FAULT_SECONDS
        except Exception:  # nobody would start this thread anew
            LOGGER.exception("unforeseen; it will be tried again")
            pause = _FAULT_SECONDS
        stop.wait(pause)


def _opened(workshop: Workshop, stop: threading.Event) -> Orders:
    """The queue, once its database is there."""
    while True:
        try:
            return workshop.orders()
        except Unavailable as error:
            LOGGER.warning("%s; trying again", error)
            if stop.wait(_RESTART_SECONDS):
                sys.exit(0)


def _work(workshop: Workshop, parent: int) -> None:
    """A worker's process."""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Ctrl-C in a terminal reaches every process of the group: the parent says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        worker = Worker(_opened(workshop, stop), workshop.painter(), workshop.seconds)
        # Nobody would start it anew, or stop it, once its parent is gone.
        worker.run(lambda: stop.is_set() or os.getppid() != parent)
    except ServingError as error:
        sys.exit(f"easel: {error}")
