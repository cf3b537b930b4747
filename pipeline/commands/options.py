"""Options that several commands share."""

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import RenderableType

from pipeline.history.result import jsonable
from pipeline.terminal.console import console
from trainer.base.errors import UserError

if TYPE_CHECKING:
    from easel_serving import Client

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on standard output, nothing else."
)

WORKSPACE = Path("easel-workspace")
"""What `easel run` calls the folder that it makes beside a configuration."""


def _workspace() -> Path:
    """The workspace in the current folder, or else the only one in a folder of it.

    Raises:
        click.UsageError: there are several.
    """
    found = _workspaces()
    if len(found) > 1:
        names = ", ".join(map(str, found))
        raise click.UsageError(f"there are several workspaces here: name one of {names}", click.get_current_context())
    return found[0]


def _serving() -> Path:
    """The serving directory of the workspace that was named, or of the one here.

    Whoever asks a server needs none, so it need not be known.
    """
    context = click.get_current_context(silent=True)
    if named := (context and context.params.get("workspace")) or os.environ.get("EASEL_WORKSPACE"):
        return Path(named) / "serving"
    found = _workspaces()
    return (found[0] if len(found) == 1 else WORKSPACE) / "serving"


def _workspaces() -> list[Path]:
    below = [] if WORKSPACE.exists() else sorted(Path().glob(f"*/{WORKSPACE}"))
    return below or [WORKSPACE]


def _known(context: click.Context, option: click.Parameter, path: Path) -> Path:
    """A folder that somebody named is there; the usual one need not be yet."""
    named = context.get_parameter_source(option.name) is click.core.ParameterSource.COMMANDLINE
    if named and not path.is_dir():
        raise UserError(f"{path}: no such folder; --serving names the one that `easel run` pushes to")
    return path


serving = click.option(
    "--serving",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_known,
    default=_serving,
    envvar="EASEL_SERVING",
    show_default="that of ./easel-workspace, or of the only one in a folder here",
    show_envvar=True,
    help="The serving directory that `easel run` pushes to.",
)

workspace = click.option(
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False),
    default=_workspace,
    envvar="EASEL_WORKSPACE",
    show_default="./easel-workspace, or the only one in a folder here",
    show_envvar=True,
    help="The workspace that `easel run` works in.",
)

model = click.option("--model", metavar="NAME", help="Which model, when several of the kind serve.")
server = click.option(
    "--server",
    metavar="URL",
    envvar="EASEL_SERVER",
    show_envvar=True,
    help="Ask a server, such as http://localhost:8501 or grpc://localhost:8500, instead of loading the model here. "
    "Environment: EASEL_API_KEY is the key that it asks for, EASEL_CA the file of an authority to trust.",
)

everything = click.option(
    "--all", "everything", is_flag=True, help="Show what has its default value, too; --json always has everything."
)

runtime = click.option(
    "--runtime",
    type=click.Choice(["auto", "tflite", "tensorflow"]),
    default="auto",
    show_default=True,
    help="What computes here. tflite: LiteRT, by the version's verified float32 or float16 variant; it starts in a "
    "second and gives the SavedModel's answer, within the tolerance that `easel models show` tells. tensorflow: the "
    "SavedModel itself. auto: tflite where the version has such a variant, else tensorflow.",
)

config_file = click.argument("config", metavar="CONFIG", type=click.Path(path_type=Path))

overrides = click.option(
    "--set",
    "overrides",
    metavar="KEY.PATH=VALUE",
    multiple=True,
    help="Override a key of the configuration, such as style.train.steps=500; may be repeated.",
)

only = click.option("--only", type=click.Choice(["classifier", "style"]), help="Leave the other model out.")


_FILE = 4000
"""Columns where there is no terminal: wider than any sentence."""


def print_for_people(document: RenderableType) -> None:
    """Writes the document on standard output, in the terminal's width; in a file no sentence is broken, for `grep`."""
    if sys.stdout.isatty():
        console().print(document)
        return
    page = io.StringIO()
    console(file=page, width=_FILE).print(document)
    for line in page.getvalue().removesuffix("\n").split("\n"):
        click.echo(line.rstrip())


def answer(as_json: bool, document: Any, people: RenderableType) -> None:
    """Writes the document for programs, or what people see of it; a line stays one however wide the terminal is."""
    if as_json:
        print_json(document)
    elif isinstance(people, str):
        click.echo(people)
    else:
        print_for_people(people)


def print_json(document: Any) -> None:
    """Writes the document as strict JSON."""
    click.echo(json.dumps(jsonable(document), indent=2, ensure_ascii=False, allow_nan=False))


def one_place(server: str | None, runtime: str) -> None:
    """Raises UsageError when both a server and a runtime here are to compute."""
    if server and runtime != "auto":
        raise click.UsageError("--runtime is for models that compute here; with --server the server's compute")


def client(address: str, **models: str | None) -> "Client":
    """A client for what `--server` names; `models` are `classifier` and `style`, None for the usual one."""
    from easel_serving import Client

    named = {kind: name for kind, name in models.items() if name}
    return Client(address, api_key=os.environ.get("EASEL_API_KEY"), ca=os.environ.get("EASEL_CA"), **named)
