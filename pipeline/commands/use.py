"""`easel classify` and `easel serve`: the pushed models at work."""

import contextlib
import dataclasses
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from easel_serving.protocol.errors import ServingError
from rich.cells import cell_len

from pipeline.commands import failures, many, options, orders, painting_options
from pipeline.progress.wording import value
from pipeline.terminal import quiet

_BEST = 3
"""How many classes a person wants to see; `--json` has all."""
_WIDEST = 60
"""Columns of a photo's name; what is longer pushes the rest of its line to the right."""


@click.command(short_help="Label photos with the model that serves.")
@click.argument("paths", metavar="PHOTO...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.serving
@options.server
@options.model
@options.runtime
@options.as_json
def classify(
    paths: tuple[Path, ...], serving: Path, server: str | None, model: str | None, runtime: str, as_json: bool
) -> None:
    """Label photos with the version that serves, and say how sure it is. A folder stands for the photos in it.

    Photos that cannot be read are listed at the end (with --json they have an `error`), and the exit code is then 2.
    """
    options.one_place(server, runtime)
    photos = painting_options.photos(paths)
    width = min(_WIDEST, max(cell_len(str(photo)) for photo in photos))
    with many.work("classified", len(photos), as_json) as work:
        for photo, answer in zip(photos, _answers(work, photos, serving, server, model, runtime), strict=True):
            if "error" in answer:
                work.failed(photo, answer["error"])
            else:
                work.done(_line(answer, width), **answer)


def _answers(
    work: many.Work, photos: Sequence[Path], serving: Path, server: str | None, model: str | None, runtime: str
) -> Iterator[dict[str, Any]]:
    """What the model says of each photo, one after another."""
    if not server:
        from easel_serving.local import LocalModels

        yield from LocalModels(serving, runtime, work.warn).classified(photos, model)
        return
    with options.client(server, classifier=model) as client:
        for photo in photos:
            try:
                [found] = client.classify(photo)
            except ServingError as error:
                if failures.everybodys(error):
                    raise
                yield {"error": str(error)}
            else:
                yield {"path": str(photo), **dataclasses.asdict(found)}


def _line(answer: Mapping[str, Any], width: int) -> str:
    """`photo  label  score  the next best`, in columns."""
    labels = max(map(cell_len, answer["scores"]))
    ranked = sorted(answer["scores"].items(), key=lambda item: -item[1])[1:_BEST]
    others = ", ".join(f"{label} {value(score)}" for label, score in ranked)
    path = answer["path"] + " " * (width - cell_len(answer["path"]))
    label = answer["label"] + " " * (labels - cell_len(answer["label"]))
    return f"{path}  {label}  {value(answer['score'])}  {others}".rstrip()


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
