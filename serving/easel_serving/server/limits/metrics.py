"""Prometheus metrics at TensorFlow Serving's path, with its names.

Names: tensorflow_serving/servables/tensorflow/util.cc (`request_count`, `request_latency`) as its Prometheus exporter
writes them: `:` for `/`.
"""

import contextlib
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.registry import Collector

from easel_serving.protocol.status import StatusError

disable_created_metrics()

_BUCKETS = [10 * 1.8**power for power in range(33)]


class Metrics:
    """Counts and latencies of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._count = Counter(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            ["model_name", "version", "status"],
            registry=self._registry,
        )
        self._latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) for Tensorflow Serving request.",
            ["model_name", "version", "API", "entrypoint"],
            buckets=_BUCKETS,
            registry=self._registry,
        )

    @contextlib.contextmanager
    def request(self, api: str, entrypoint: str, model: str) -> Iterator[dict[str, str]]:
        """Counts and times what happens inside; fill the `version` into what it yields once it is known.

        Every name and version makes series that stay: only those of models that are served may come here.
        """
        start = time.perf_counter()
        who = {"model_name": model, "version": ""}
        status = "UNKNOWN"
        try:
            yield who
            status = "OK"
        except StatusError as error:
            status = error.code
            raise
        finally:
            micros = (time.perf_counter() - start) * 1e6
            self._count.labels(status=status, **who).inc()
            self._latency.labels(API=api, entrypoint=entrypoint, **who).observe(micros)

    def register(self, collector: Collector) -> None:
        """Adds figures that are read when the page is asked for."""
        self._registry.register(collector)

    def page(self) -> bytes:
        """The text that Prometheus scrapes."""
        # The client library appends `_total` to counters; TensorFlow Serving, and the dashboards made for it, do not.
        return generate_latest(self._registry).replace(b":request_count_total", b":request_count")
