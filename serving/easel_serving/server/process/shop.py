"""Orders beside the models: their routes, their metrics, and workers of this server's own."""

import concurrent.futures
import logging
import multiprocessing
import sys
import threading
from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.routing import Route

from easel_serving.local import LocalModels
from easel_serving.orders.queue import Orders, Statistics
from easel_serving.orders.table import STATES
from easel_serving.orders.workshop import Workshop
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import known_style
from easel_serving.server.api.orders import OrdersApi
from easel_serving.server.loading.core import Core

LOGGER = logging.getLogger("easel.serving")

_STOP_SECONDS = 60
_LOOK_SECONDS = 1.0
_PATIENCE = 5.0
"""Seconds in which the database must say how the queue stands."""


class Shop:
    """What `easel serve --orders` adds to the server.

    Args:
        workshop: where the orders are and how they are painted; without workers they are only taken.
        prefixes: under which photos may be fetched.
        origins: whose pages may place and remove orders besides the server's own.

    Raises:
        ServingError: the orders cannot be opened.
    """

    def __init__(self, workshop: Workshop, prefixes: Sequence[str], origins: Sequence[str] = ()):
        self._workshop, self._prefixes, self._origins = workshop, prefixes, origins
        self._orders = workshop.orders()
        self._models = LocalModels(workshop.serving_dir, warn=LOGGER.debug)
        self._stopping = threading.Event()
        self._workers = threading.Thread(target=self._keep_working, daemon=True)

    def routes(self, core: Core) -> list[Route]:
        """Of the orders; their figures are among the server's metrics from now on."""
        core.metrics.register(Figures(self._orders))
        api = OrdersApi(
            self._orders,
            self._require_style,
            self._workshop.hosts,
            self._prefixes,
            core.limits,
            core.budget,
            self._origins,
        )
        return api.routes()

    def start(self) -> None:
        """Starts the workers."""
        LOGGER.info("orders: %s, %d worker(s) here", self._workshop.place, self._workshop.workers)
        if self._workshop.workers:
            self._workers.start()

    def stop(self) -> None:
        """Lets the workers finish what they are painting."""
        self._stopping.set()
        if self._workers.is_alive():
            self._workers.join(_STOP_SECONDS)

    def _keep_working(self) -> None:
        """Starts the workers' process, and again when it ends."""
        context = multiprocessing.get_context("spawn")
        while not self._stopping.is_set():
            process = context.Process(target=_work, args=(self._workshop,))
            process.start()
            while process.is_alive() and not self._stopping.wait(_LOOK_SECONDS):
                pass
            if self._stopping.is_set():
                process.terminate()
            else:
                LOGGER.error("orders: the workers ended (%s) and are started anew", process.exitcode)
            process.join(_STOP_SECONDS)

    def _require_style(self, name: str) -> None:
        version = self._models.painter()
        known_style(name, version.styles, version.title)


def _work(workshop: Workshop) -> None:
    """The workers' process."""
    try:
        workshop.run()
    except ServingError as error:
        sys.exit(f"easel: {error}")


class Figures(Collector):
    """The queue's figures for Prometheus, read when they are asked for; none while the database is gone.

    Args:
        orders: the queue.
    """

    def __init__(self, orders: Orders):
        self._orders = orders
        # One thread, which a database that hangs may keep: the page of metrics waits for it no longer than that.
        self._asking = concurrent.futures.ThreadPoolExecutor(1, "figures")
        self._asked: concurrent.futures.Future[Statistics] | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """See `Collector`."""
        asked = self._asked
        if asked is None:
            asked = self._asked = self._asking.submit(self._orders.statistics)
        try:
            found = asked.result(_PATIENCE)
        except concurrent.futures.TimeoutError:
            LOGGER.warning("orders: the database does not say how the queue stands")
            return
        except ServingError as error:
            LOGGER.warning("%s", error)
            found = None
        self._asked = None
        if found is None:
            return
        states = GaugeMetricFamily("easel_orders", "Orders that are kept, by state.", labels=["state"])
        for state in STATES:
            states.add_metric([state], found.states.get(state, 0))
        yield states
        yield GaugeMetricFamily("easel_orders_oldest_seconds", "Age of the oldest that waits.", found.oldest_seconds)
        yield GaugeMetricFamily("easel_orders_painting_seconds", "Mean time of those done.", found.painting_seconds)
