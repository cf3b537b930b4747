"""`easel models`: what is pushed, and which version serves."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import audit
from easel_serving.registry.directory import STABLE, Directory, check_name, listing
from easel_serving.registry.model_service import Tls
from easel_serving.registry.registry import Registry
from easel_serving.registry.remote import NotToldError, Remote
from easel_serving.registry.verify import verify as find_differences
from rich import box
from rich.table import Table
from rich.text import Text

from pipeline.commands import options
from pipeline.commands.failures import Fault
from pipeline.progress.wording import value
from pipeline.terminal import quiet
from pipeline.terminal.summary import tflite_line

name = click.argument("name", metavar="MODEL")
version = click.argument("version", metavar="VERSION", type=click.IntRange(min=1))
why = click.option("--why", default="", help="The reason, for the audit log.")
_PATIENCE = 60.0
"""Seconds that a command waits for another writer, which copies a version meanwhile."""


def _server(command: Callable) -> Callable:
    """The options that name a running TensorFlow Serving; the command gets them as `server`, a `Remote` or None."""

    @functools.wraps(command)
    def connected(
        *arguments: Any, server: str | None, ca: str | None, cert: str | None, key: str | None, **others: Any
    ):
        tls = Tls(ca, cert, key)
        if not server and (ca or cert or key):
            raise click.UsageError("certificates are for a server: --server grpcs://HOST:PORT")
        return command(*arguments, server=Remote(server, tls=tls) if server else None, **others)

    for option in reversed(
        (
            click.option(
                "--server",
                metavar="HOST:PORT",
                envvar="EASEL_TENSORFLOW_SERVING",
                show_envvar=True,
                help="A running TensorFlow Serving's gRPC, told once the change is made; grpcs://HOST:PORT for TLS.",
            ),
            click.option("--ca", metavar="PEM", help="The authority to trust, with grpcs://."),
            click.option("--cert", metavar="PEM", help="The certificate to show a server that asks for one."),
            click.option("--key", metavar="PEM", help="Its private key."),
        )
    ):
        connected = option(connected)
    return connected


def _changing(command: Callable) -> Callable:
    """The options of every command that changes something."""
    return why(_server(options.as_json(command)))


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


@models.command()
@name
@version
@options.everything
@options.as_json
@click.pass_obj
def show(serving: Path, name: str, version: int, everything: bool, as_json: bool) -> None:
    """Show the card of one version: metrics, data, lineage, signatures.

    Of its configuration only what differs from the defaults, of its data the counts; --all shows the whole card.
    """
    found = Directory(serving).version(name, version)
    if as_json:
        options.print_json(found.manifest)
        return
    card = found.manifest_dir / "card.md"
    if not card.is_file():
        raise ServingError(f"{name} version {version} has no card: it was not pushed by Easel")
    from rich.markdown import Markdown  # 0.2 s that the other commands need not wait for

    from pipeline.history import brief  # what it imports would slow `easel --help` down

    text = card.read_text("utf-8") if everything else brief.card(found)
    if sys.stdout.isatty():
        options.print_for_people(Markdown(text))
    else:
        click.echo(text, nl=False)


@models.command()
@name
@click.argument("first", metavar="VERSION", type=click.IntRange(min=1))
@click.argument("second", metavar="VERSION", type=click.IntRange(min=1))
@options.as_json
@click.pass_obj
def compare(serving: Path, name: str, first: int, second: int, as_json: bool) -> None:
    """Compare two versions: classifiers on the newest eval photos of the workspace that the newer one came from.

    Without that workspace, and for style networks, the figures are those that each was pushed with.
    """
    directory = Directory(serving)
    versions = directory.version(name, first), directory.version(name, second)
    metrics = {version.number: version.manifest.get("metrics", {}).get("candidate", {}) for version in versions}
    source = "each as measured when it was pushed"
    from pipeline.planning.snapshot import eval_split  # what it imports would slow `easel --help` down

    if split := eval_split(versions):
        with quiet.capture(Path(os.devnull)):
            from pipeline.history.compare import measure

            found = measure(versions, split)
        low, mean, high = found.gain
        metrics = found.metrics
        source = (
            f"on the newest {found.photos} eval photos; accuracy of version {second} minus that of version "
            f"{first}: {mean:+.3f}, with 95 % confidence between {low:+.3f} and {high:+.3f}"
        )
    if as_json:
        options.print_json(metrics)
        return
    table = Table(
        "metric", *(f"version {number}" for number in metrics), box=box.SIMPLE_HEAD, title=name, caption=source
    )
    for metric in dict.fromkeys(metric for figures in metrics.values() for metric in figures):
        table.add_row(metric, *(value(figures.get(metric)) for figures in metrics.values()))
    options.print_for_people(table)


@models.command()
@name
@version
@click.option("--to", "label", type=click.Choice(["stable", "canary"]), default="stable", show_default=True)
@_changing
@click.pass_obj
def promote(serving: Path, name: str, version: int, label: str, why: str, server: Remote | None, as_json: bool) -> None:
    """Let a version serve (stable), or be tried beside the one that does (canary)."""
    _change(serving, server, as_json, name, lambda registry: registry.promote(name, version, label, why))


@models.command()
@name
@click.option("--to", type=click.IntRange(min=1), help="The version to go back to, instead of the one before.")
@_changing
@click.pass_obj
def rollback(serving: Path, name: str, to: int | None, why: str, server: Remote | None, as_json: bool) -> None:
    """Let the version serve that served before."""
    _change(serving, server, as_json, name, lambda registry: registry.rollback(name, to, why))


@models.command()
@name
@click.argument("label", metavar="LABEL")
@click.argument("version", metavar="VERSION", type=click.IntRange(min=1), required=False)
@click.option("--remove", is_flag=True, help="Remove the label instead.")
@_changing
@click.pass_obj
def label(
    serving: Path,
    name: str,
    label: str,
    version: int | None,
    remove: bool,
    why: str,
    server: Remote | None,
    as_json: bool,
) -> None:
    """Point a label of your own at a version; clients can ask for it by that name."""
    if remove == (version is not None):
        raise click.UsageError("give either a VERSION or --remove", click.get_current_context())

    def change(registry: Registry) -> dict[str, int]:
        return registry.unlabel(name, label, why) if remove else registry.label(name, label, version, why)

    _change(serving, server, as_json, name, change)


@models.command()
@name
@version
@_changing
@click.pass_obj
def retire(serving: Path, name: str, version: int, why: str, server: Remote | None, as_json: bool) -> None:
    """Take a version out of service for good; its card and its figures stay."""
    _change(serving, server, as_json, name, lambda registry: registry.retire(name, version, why))


@models.command()
@name
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many of the newest versions to keep.")
@why
@options.as_json
@click.pass_obj
def gc(serving: Path, name: str, keep: int, why: str, as_json: bool) -> None:
    """Delete old versions; never a labelled one, never the only one."""
    removed = _registry(serving).gc(name, keep, why)
    if as_json:
        options.print_json({"model": name, "removed": removed})
    else:
        click.echo(f"{name}: removed {', '.join(map(str, removed)) or 'nothing'}")


@models.command()
@name
@version
@click.option("--key", required=True, metavar="PEM", help="The private Ed25519 key.")
@why
@options.as_json
@click.pass_obj
def sign(serving: Path, name: str, version: int, key: str, why: str, as_json: bool) -> None:
    """Sign a version that was pushed without a key, after comparing its files with its manifest."""
    _registry(serving, signing_key=key).sign(name, version, why)
    if as_json:
        options.print_json({"model": name, "version": version, "signed": True})
    else:
        click.echo(f"{name}: version {version} is signed")


@models.command()
@click.argument("name", metavar="[MODEL]", required=False)
@options.as_json
@click.pass_obj
def log(serving: Path, name: str | None, as_json: bool) -> None:
    """Show who changed what, when and why, oldest first."""
    records = [record for record in audit.read(serving) if name in (None, record["model"])]
    if name is not None:
        check_name(name)
    if as_json:
        options.print_json(records)
        return
    table = Table("when", "who", "model", "change", "labels", "why", box=box.SIMPLE_HEAD)
    for record in records:
        what = f"{record['action']} {record['version']}"
        table.add_row(
            record["time"].replace("T", " ")[:16], record["who"], record["model"], what, _moves(record), record["why"]
        )
    options.print_for_people(table)


@models.command(name="reload")
@_server
@options.as_json
@click.pass_obj
def reload_(serving: Path, server: Remote | None, as_json: bool) -> None:
    """Have a running TensorFlow Serving follow the directory: versions first, labels once those are loaded."""
    if not server:
        raise click.UsageError("name the server: --server HOST:PORT", click.get_current_context())
    server.announce(serving.absolute())
    if as_json:
        options.print_json({"server": server.address, "serving": serving.absolute()})
    else:
        click.echo(f"{server.address} follows {serving.absolute()}")


@models.command()
@click.option("--public-key", metavar="PEM", help="Also ask of every version that the holder of this key signed it.")
@options.as_json
@click.pass_obj
def verify(serving: Path, public_key: str | None, as_json: bool) -> None:
    """Compare every file with the digest it was pushed with; exits 1 when one is missing, changed or foreign."""
    findings = find_differences(serving, public_key)
    if as_json:
        options.print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{finding.kind}: {finding.path}")
    if findings:
        raise Fault(f"{serving.absolute()} differs from what was pushed: {len(findings)} files")
    if not as_json:
        click.echo("All files are as they were pushed.")


def _change(
    serving: Path, server: Remote | None, as_json: bool, name: str, change: Callable[[Registry], dict[str, int]]
) -> None:
    """Changes labels and says where they point; exits 1 when the change is made and the server did not follow."""
    registry, fault = _registry(serving, server=server), None
    try:
        labels = change(registry)
    except NotToldError as error:
        labels, fault = registry.labels(name), error
    if as_json:
        options.print_json({"model": name, "labels": labels})
    else:
        pointing = [f"{label} is version {number}" for label, number in sorted(labels.items())]
        click.echo(f"{name}: {', '.join(pointing) or 'no labels'}")
    if fault:
        raise Fault(str(fault))


def _registry(serving: Path, **extra: Any) -> Registry:
    return Registry(serving, timeout=_PATIENCE, on_wait=lambda who: click.echo(f"easel: {who}", err=True), **extra)


def _moves(record: dict) -> str:
    """What a change did to the labels: `stable 1 > 2, canary > 3`."""
    old, new = record["from"], record["to"]
    moved = [label for label in sorted({*old, *new}) if old.get(label) != new.get(label)]
    return ", ".join(f"{label} {old.get(label, '')} > {new.get(label, '-')}".replace("  ", " ") for label in moved)


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
