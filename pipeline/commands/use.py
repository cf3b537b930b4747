"""`easel classify`, `easel stylize` and `easel serve`: the pushed models at work."""

import dataclasses
import io
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table

from pipeline import quiet
from pipeline.commands import options
from pipeline.summary import value
from trainer.errors import UserError

if TYPE_CHECKING:
    from easel_serving import Client

_BEST = 3
"""How many classes a person wants to see; `--json` has all."""

_model = click.option("--model", metavar="NAME", help="Which model, when several of the kind serve.")
_server = click.option(
    "--server",
    metavar="URL",
    envvar="EASEL_SERVER",
    show_envvar=True,
    help="Ask a server, such as http://localhost:8501 or grpc://localhost:8500, instead of loading the model here. "
    "Environment: EASEL_API_KEY is the key that it asks for, EASEL_CA the file of an authority to trust.",
)


@click.command(short_help="Label photos with the model that serves.")
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.serving
@_server
@_model
@options.as_json
def classify(photos: tuple[Path, ...], serving: Path, server: str | None, model: str | None, as_json: bool) -> None:
    """Label photos with the version that serves, and say how sure it is."""
    with quiet.capture(Path(os.devnull)):
        if server:
            with _client(server, classifier=model) as client:
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
        table.add_row(answer["path"], f"[bold]{answer['label']}[/]", value(answer["score"]), f"[dim]{others}[/]")
    options.print_for_people(table)


@click.command(short_help="Paint a photo with the model that serves.")
@click.option("--content", metavar="PHOTO", required=True, type=click.Path(path_type=Path), help="The photo to paint.")
@click.option("--style", metavar="PAINTING", required=True, help="The file of a painting, or the name of a known one.")
@click.option("--strength", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="0 is the photo itself.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where to write it."
)
@options.serving
@_server
@_model
def stylize(
    content: Path, style: str, strength: float, output: Path, serving: Path, server: str | None, model: str | None
) -> None:
    """Paint a photo in the manner of a painting, with the version that serves.

    The picture has the photo's size, and the format that the name of the output asks for.
    """
    if not output.absolute().parent.is_dir():
        raise UserError(f"{output}: the folder {output.absolute().parent} does not exist")
    wanted = _format(output)
    with quiet.capture(Path(os.devnull)):
        if server:
            with _client(server, style=model) as client:
                [painted] = client.stylize(content, style=style, strength=strength)
        else:
            from easel_serving.local import LocalModels

            painted = LocalModels(serving).stylize(content, style, strength, model)
    _save(painted, output, wanted)
    click.echo(output)


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


def _client(server: str, **models: str | None) -> "Client":
    from easel_serving import Client

    named = {kind: name for kind, name in models.items() if name}
    return Client(server, api_key=os.environ.get("EASEL_API_KEY"), ca=os.environ.get("EASEL_CA"), **named)


def _format(output: Path) -> str:
    """Pillow's name of the format that the file's name asks for."""
    from PIL import Image

    wanted = Image.registered_extensions().get(output.suffix.lower())
    if wanted not in Image.SAVE:
        raise UserError(f"{output}: name an image file, such as painted.png or painted.jpg")
    return wanted


def _save(encoded: bytes, output: Path, wanted: str) -> None:
    """Writes the model's own bytes where the format fits, so that nothing is compressed twice."""
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as picture:
        if picture.format == wanted:
            output.write_bytes(encoded)
        else:
            picture.save(output, wanted)
