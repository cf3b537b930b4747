"""`easel classify` and `easel serve`: the pushed models at work."""

import dataclasses
import logging
import os
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from pipeline.commands import options
from pipeline.terminal import quiet
from pipeline.terminal.summary import value

_BEST = 3
"""How many classes a person wants to see; `--json` has all."""


@click.command(short_help="Label photos with the model that serves.")
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.serving
@options.server
@options.model
@options.as_json
def classify(photos: tuple[Path, ...], serving: Path, server: str | None, model: str | None, as_json: bool) -> None:
    """Label photos with the version that serves, and say how sure it is."""
    with quiet.capture(Path(os.devnull)):
        if server:
            with options.client(server, classifier=model) as client:
                found = zip(photos, client.classify(*photos), strict=True)
                answers = [{"path": str(path), **dataclasses.asdict(answer)} for path, answer in found]
        else:
            from easel_serving.local import LocalModels

            answers = LocalModels(serving).classify(photos, model)
    if as_json:
        options.print_json(answers)
        return
    table = Table("photo", "label", "score", "then", box=box.SIMPLE_HEAD)
    for answer in answers:
        ranked = sorted(answer["scores"].items(), key=lambda item: -item[1])[1:_BEST]
        others = ", ".join(f"{label} {value(score)}" for label, score in ranked)
        table.add_row(answer["path"], Text(answer["label"], "bold"), value(answer["score"]), Text(others, "dim"))
    options.print_for_people(table)


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
    help="What runs the models: the SavedModels, or the TFLite variants (REST only, starts in a second).",
)
@click.option("--public-key", metavar="PEM", help="Load only what the holder of this Ed25519 key signed.")
@click.option("--api-key-file", metavar="FILE", help="A file with the key that every request must bring.")
@click.option("--tls-cert", metavar="PEM", help="Certificate chain, for HTTPS and gRPC over TLS.")
@click.option("--tls-key", metavar="PEM", help="The certificate's private key.")
@click.option("--request-bytes", type=click.IntRange(1), help="Limit of a request's body.  [default: 64 MiB]")
@click.option("--pixels", type=click.IntRange(1), help="Limit of all images in a request.  [default: 50 million]")
@click.option("--seconds", type=click.FloatRange(0.01), help="After which a request is given up.  [default: 60]")
def serve(serving: Path, host: str, rest_port: int, grpc_port: int, runtime: str, **settings: Any) -> None:
    """Serve the pushed models with TensorFlow Serving's REST and gRPC API, without Docker."""
    from easel_serving.server import main as server

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    given = {name: value for name, value in settings.items() if value is not None}
    server(serving, host=host, rest_port=rest_port, grpc_port=grpc_port, runtime=runtime, **given)
