"""Orders beside the models: their routes, their metrics, and workers of this server's own."""

import logging
import multiprocessing
from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.routing import Route

from easel_serving.local import LocalModels
from easel_serving.orders.queue import Orders
from easel_serving.orders.table import STATES
from easel_serving.orders.workshop import Workshop
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import known_style
from easel_serving.server.api.orders import OrdersApi
from easel_serving.server.loading.core import Core

LOGGER = logging.getLogger("easel.serving")

_STOP_SECONDS = 60


class Shop:
    """What `easel serve --orders` adds to the server.

    Args:
        workshop: where the orders are and how they are painted; without workers they are only taken.
        prefixes: under which photos may be fetched.

    Raises:
        ServingError: the orders cannot be opened.
    """

    def __init__(self, workshop: Workshop, prefixes: Sequence[str]):
        self._workshop, self._prefixes = workshop, prefixes
        self._orders = workshop.orders()
        self._models = LocalModels(workshop.serving_dir, warn=LOGGER.debug)
        self._workers: multiprocessing.process.BaseProcess | None = None

    def routes(self, core: Core) -> list[Route]:
        """Of the orders; their figures are among the server's metrics from now on."""
        core.metrics.register(Figures(self._orders))
        api = OrdersApi(
            self._orders, self._require_style, self._workshop.hosts, self._prefixes, core.limits, core.budget
        )
        return api.routes()

    def start(self) -> None:
        """Starts the workers."""
        LOGGER.info("orders: %s, %d worker(s) here", self._workshop.place, self._workshop.workers)
        if self._workshop.workers:
            self._workers = multiprocessing.get_context("spawn").Process(target=self._workshop.run)
            self._workers.start()

    def stop(self) -> None:
        """Lets the workers finish what they are painting."""
        if self._workers is not None:
            self._workers.terminate()
            self._workers.join(_STOP_SECONDS)

    def _require_style(self, name: str) -> None:
        version = self._models.painter()
        known_style(name, version.styles, version.title)


class Figures(Collector):
    """The queue's figures for Prometheus, read when they are asked for; none while the database is gone.

    Args:
        orders: the queue.
    """

    def __init__(self, orders: Orders):
        self._orders = orders

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """See `Collector`."""
        try:
            found = self._orders.statistics()
        except ServingError as error:
            LOGGER.warning("%s", error)
            return
        states = GaugeMetricFamily("easel_orders", "Orders that are kept, by state.", labels=["state"])
        for state in STATES:
            states.add_metric([state], found.states.get(state, 0))
        yield states
        yield GaugeMetricFamily("easel_orders_oldest_seconds", "Age of the oldest that waits.", found.oldest_seconds)
        yield GaugeMetricFamily("easel_orders_painting_seconds", "Mean time of those done.", found.painting_seconds)
