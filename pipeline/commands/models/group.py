"""The group `easel models`, which lists by itself, and the arguments of its commands."""

import textwrap
from pathlib import Path

import click
from easel_serving import shipped
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import STABLE, listing
from rich import box
from rich.table import Table
from rich.text import Text

from pipeline.commands import options
from pipeline.progress.wording import value
from pipeline.terminal.summary import tflite_line

name = click.argument("name", metavar="MODEL")
version = click.argument("version", metavar="VERSION", type=click.IntRange(min=1))


class _Models(click.Group):
    """What `models` takes, its commands take too: at night nobody remembers which side an option goes."""

    def add_command(self, command: click.Command, name: str | None = None) -> None:
        command.params.append(
            click.Option(
                ["--serving"],
                type=click.Path(path_type=Path, file_okay=False),
                expose_value=False,
                callback=_use_serving,
                help="The serving directory, as before the command.",
            )
        )
        super().add_command(command, name)


def _use_serving(context: click.Context, option: click.Parameter, given: Path | None) -> None:
    if given is not None:
        context.obj = given


@click.group(cls=_Models, invoke_without_command=True, short_help="List, compare, promote and roll back versions.")
@options.serving
@options.as_json
@click.pass_context
def models(context: click.Context, serving: Path, as_json: bool) -> None:
    """List the pushed versions, or show, compare, promote and roll them back.

    Without a command it lists: model, version, labels (`stable` serves), when it was made, its metrics against the
    version that served before and against the trivial baseline, and its TFLite variants.
    """
    context.obj = serving
    if context.invoked_subcommand is not None:
        context.default_map = {context.invoked_subcommand: {"as_json": as_json}}
        return
    versions = listing(serving)
    if as_json:
        options.print_json(versions)
    elif versions:
        options.print_for_people(_table(versions))
    else:
        click.echo(f"Nothing is pushed to {serving.absolute()} yet: `easel run CONFIG` does.")
    if not as_json:
        _tell_what_ships()


def _tell_what_ships() -> None:
    """Names the network that paints until one is pushed, and its paintings."""
    try:
        found = shipped.version()
    except ServingError as error:
        click.echo(f"What ships with Easel cannot be used: {error}")
        return
    click.echo(
        f"\n{shipped.NAME} version {found.number} paints where no style network was pushed. It knows "
        f"{len(found.styles)} paintings by name (--style NAME):"
    )
    click.echo(textwrap.fill(", ".join(found.styles), 100, break_on_hyphens=False))


def _table(versions: list[dict]) -> Table:
    table = Table("model", "version", "labels", "created", "metrics", "TFLite", box=box.SIMPLE_HEAD, expand=False)
    for entry in versions:
        contenders = entry["metrics"]
        lines = []
        for metric, figure in contenders["candidate"].items():
            others = [f"{who} {value(figures[metric])}" for who, figures in contenders.items()
                      if who != "candidate" and figures and metric in figures]  # fmt: skip
            lines.append(
                Text.assemble(f"{metric} {value(figure)}", (f" ({', '.join(others)})" if others else "", "dim"))
            )
        table.add_row(
            Text(entry["model"], "bold"),
            str(entry["version"]),
            Text(" ").join(Text(label, "green" if label == STABLE else "") for label in entry["labels"]),
            entry["created"].replace("T", " ")[:16],
            Text("\n").join(lines),
            "\n".join(tflite_line(variant) for variant in entry["tflite"]),
        )
    return table
