"""A worker: takes orders one by one and paints them, until it is told to stop."""

import logging
import os
import threading
import time
from collections.abc import Callable

import tenacity

from easel_serving.orders.files import Away, NoSpace
from easel_serving.orders.leases import LEASE_SECONDS
from easel_serving.orders.painter import Painter, Refused
from easel_serving.orders.queue import Orders
from easel_serving.orders.table import Order
from easel_serving.orders.wishes import parse
from easel_serving.protocol.errors import ServingError
from easel_serving.storage.database import Full, Unavailable

LOGGER = logging.getLogger("easel.orders")

TOO_LONG = 75
"""How a worker's process ends when an order took too long: what hangs in it cannot be stopped otherwise."""
_IDLE_SECONDS, _LONGEST_IDLE = 0.05, 1.0

# What was painted is handed in when database and store are there again: its lease may have run out by then, and the
# order been painted by another, who is then the one that finished it.
_persistently = tenacity.retry(
    retry=tenacity.retry_if_exception_type((Unavailable, Full, NoSpace, Away)),
    wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
    stop=tenacity.stop_after_delay(600),
    reraise=True,
)


class Worker:
    """Paints what the queue holds.

    Args:
        orders: the queue.
        painter: what paints.
        seconds: an order may take; a process in which one takes longer ends itself (exit code `TOO_LONG`).
    """

    def __init__(self, orders: Orders, painter: Painter, seconds: float = 600.0):
        self._orders, self._painter, self._seconds = orders, painter, seconds

    def run(self, stopping: Callable[[], bool]) -> None:
        """Works until `stopping` says so; what is being painted then is finished first."""
        pause = _IDLE_SECONDS
        while not stopping():
            try:
                order = self._orders.leases.take()
            except (Unavailable, Full) as error:
                LOGGER.warning("%s; trying again", error)
                order, pause = None, _LONGEST_IDLE
            if order is None:
                time.sleep(pause)
                pause = min(_LONGEST_IDLE, 1.5 * pause)
            else:
                pause = _IDLE_SECONDS
                self.paint(order)

    def paint(self, order: Order) -> None:
        """Paints an order that was taken, and hands in the picture or the reason why there is none."""
        started = time.monotonic()
        with _Lease(self._orders, order, self._seconds) as lease:
            try:
                photo, mask = (name and self._orders.files.get(name) for name in (order.photo, order.mask))
                picture, suffix, painted_by = self._painter(parse(order.wishes), photo, mask, lease.report)
            except (Refused, ServingError, OSError, MemoryError, RuntimeError, ValueError) as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                passing = not isinstance(error, Refused)
                LOGGER.warning("order %s: %s%s", order.id, reason, "; it will be tried again" if passing else "")
                _persistently(self._orders.leases.give_back)(order, reason, passing)
                return
            if _persistently(self._orders.leases.finish)(order, picture, suffix, painted_by):
                LOGGER.info("order %s: done in %.1f s", order.id, time.monotonic() - started)
            else:
                LOGGER.warning("order %s: was removed or given to another worker meanwhile", order.id)


class _Lease:
    """Renews an order's lease from a thread of its own while the order is painted."""

    def __init__(self, orders: Orders, order: Order, seconds: float):
        self._orders, self._order, self._seconds = orders, order, seconds
        self._progress = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def report(self, progress: float) -> None:
        """Says how much is done, 0..1; it is written with the next renewal."""
        self._progress = progress

    def __enter__(self) -> "_Lease":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        deadline = time.monotonic() + self._seconds
        while not self._over.wait(min(LEASE_SECONDS / 3, max(0.0, deadline - time.monotonic()))):
            try:
                if time.monotonic() >= deadline:
                    self._give_up()
                if not self._orders.leases.renew(self._order, self._progress):
                    return
            except ServingError as error:
                LOGGER.warning("order %s: its lease was not renewed (%s)", self._order.id, error)

    def _give_up(self) -> None:
        reason = f"painting took longer than {self._seconds:g} s"
        LOGGER.error("order %s: %s; this worker is started anew", self._order.id, reason)
        try:
            self._orders.leases.give_back(self._order, reason, passing=True)
        finally:
            os._exit(TOO_LONG)
