"""`easel serve`: TensorFlow Serving's API without TensorFlow Serving."""

import contextlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pipeline.commands import options, orders
from pipeline.terminal import quiet


@click.command(short_help="Serve the models with TensorFlow Serving's API.")
@options.serving
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--rest-port", type=click.IntRange(0, 65535), default=8501, show_default=True)
@click.option("--grpc-port", type=click.IntRange(0, 65535), default=8500, show_default=True)
@click.option(
    "--runtime",
    type=click.Choice(["tensorflow", "tflite"]),
    default="tensorflow",
    show_default=True,
    help="What runs the models: the SavedModels (until they are loaded, the TFLite variants answer), or the TFLite "
    "variants alone (REST only).",
)
@click.option("--public-key", metavar="PEM", help="Load only what the holder of this Ed25519 key signed.")
@click.option("--api-key-file", metavar="FILE", help="A file with the key that every request must bring.")
@click.option("--tls-cert", metavar="PEM", help="Certificate chain, for HTTPS and gRPC over TLS.")
@click.option("--tls-key", metavar="PEM", help="The certificate's private key.")
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Pages of this origin (https://shop.example; * for any) may ask, too; give it again for more.",
)
@click.option(
    "--orders",
    metavar="DIR_OR_URL",
    help="Take orders, too: a folder, or postgresql://USER@HOST/NAME (`easel orders --help`).",
)
@click.option(
    "--orders-photos", metavar="DIR_OR_URL", help="Where orders' photos are kept.  [default: the folder of --orders]"
)
@click.option(
    "--order-workers",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Processes here that paint orders; 0 leaves it to `easel orders work`.",
)
@click.option(
    "--orders-from",
    "orders_from",
    metavar="URL",
    multiple=True,
    help="Orders may name photos below this address (s3://bucket/in) instead of sending them; may be repeated.",
)
@orders.attempts
@orders.keep_days
@click.option(
    "--orders-limit",
    "queued",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="So many orders may wait; more are refused for now.",
)
@click.option(
    "--orders-limit-per-key",
    "queued_per_owner",
    type=click.IntRange(1),
    default=20_000,
    show_default=True,
    help="So many of one API key; without keys all are one's.",
)
@orders.webhook_secret
@orders.webhook_host
@click.option("--request-bytes", type=click.IntRange(1), help="Limit of a request's body.  [default: 64 MiB]")
@click.option("--pixels", type=click.IntRange(1), help="Limit of all images in a request.  [default: 50 million]")
@click.option("--seconds", type=click.FloatRange(0.01), help="After which a request is given up.  [default: 60]")
def serve(
    serving: Path,
    host: str,
    rest_port: int,
    grpc_port: int,
    runtime: str,
    orders_photos: str | None,
    order_workers: int,
    webhook_secret: Path | None,
    hosts: tuple[str, ...],
    attempts: int,
    keep_days: float,
    queued: int,
    queued_per_owner: int,
    **settings: Any,
) -> None:
    """Serve the pushed models with TensorFlow Serving's REST and gRPC API, without Docker."""
    from easel_serving.server import main as server

    if settings["orders"] is not None:
        settings["orders"] = orders.workshop(
            settings["orders"],
            orders_photos,
            serving,
            workers=order_workers,
            secret=orders.read_secret(webhook_secret, hosts),
            hosts=hosts,
            attempts=attempts,
            keep_days=keep_days,
            queued=queued,
            queued_per_owner=queued_per_owner,
        )
    given = {name: value for name, value in settings.items() if value not in (None, ())}
    noise = _noise(serving)
    with _shown(logging.getLogger("easel.serving")) as log, quiet.capture(noise):
        log.info("what libraries have to say is in %s", noise)
        server(serving, host=host, rest_port=rest_port, grpc_port=grpc_port, runtime=runtime, **given)


@contextlib.contextmanager
def _shown(log: logging.Logger) -> Iterator[logging.Logger]:
    """A logger whose records, and no others, go to standard error as it is now."""
    handler = logging.StreamHandler(quiet.keep(sys.stderr))
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.propagate = False
    try:
        yield log
    finally:
        log.propagate = True
        log.removeHandler(handler)


def _noise(serving: Path) -> Path:
    """A new file beside the logs of runs, or where temporary files are for a serving directory without a workspace."""
    logs = serving.absolute().parent / "logs"
    folder = logs if logs.is_dir() and os.access(logs, os.W_OK) else Path(tempfile.gettempdir())
    return folder / f"serve-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
