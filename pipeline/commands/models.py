"""`easel models`: what is pushed, and which version serves."""

import sys
from pathlib import Path

import click
from easel_serving.directory import Directory, listing
from easel_serving.errors import ServingError
from easel_serving.registry import Registry
from easel_serving.verify import verify as find_differences
from rich import box
from rich.table import Table

from pipeline.commands import options
from pipeline.commands.faults import Fault
from pipeline.summary import tflite_line, value

name = click.argument("name", metavar="MODEL")
version = click.argument("version", metavar="VERSION", type=click.IntRange(min=1))
why = click.option("--why", default="", help="The reason, for the audit log.")


@click.group(invoke_without_command=True, short_help="List, compare, promote and roll back versions.")
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
@options.as_json
@click.pass_obj
def show(serving: Path, name: str, version: int, as_json: bool) -> None:
    """Show the card of one version: metrics, data, lineage, signatures."""
    found = Directory(serving).version(name, version)
    if as_json:
        options.print_json(found.manifest)
        return
    card = found.manifest_dir / "card.md"
    if not card.is_file():
        raise ServingError(f"{name} version {version} has no card: it was not pushed by Easel")
    from rich.markdown import Markdown  # 0.2 s that the other commands need not wait for

    text = card.read_text("utf-8")
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
    """Compare the metrics of two versions, each as measured when it was pushed."""
    directory = Directory(serving)
    metrics = {
        number: directory.version(name, number).manifest.get("metrics", {}).get("candidate", {})
        for number in (first, second)
    }
    if as_json:
        options.print_json(metrics)
        return
    table = Table("metric", *(f"version {number}" for number in metrics), box=box.SIMPLE_HEAD, title=name)
    for metric in dict.fromkeys(metric for figures in metrics.values() for metric in figures):
        table.add_row(metric, *(value(figures.get(metric)) for figures in metrics.values()))
    options.print_for_people(table)


@models.command()
@name
@version
@click.option("--to", "label", type=click.Choice(["stable", "canary"]), default="stable", show_default=True)
@why
@click.pass_obj
def promote(serving: Path, name: str, version: int, label: str, why: str) -> None:
    """Let a version serve (stable), or be tried beside the one that does (canary)."""
    _say(name, Registry(serving).promote(name, version, label, why))


@models.command()
@name
@click.option("--to", type=click.IntRange(min=1), help="The version to go back to, instead of the one before.")
@why
@click.pass_obj
def rollback(serving: Path, name: str, to: int | None, why: str) -> None:
    """Let the version serve that served before."""
    _say(name, Registry(serving).rollback(name, to, why))


@models.command()
@name
@click.argument("label", metavar="LABEL")
@click.argument("version", metavar="VERSION", type=click.IntRange(min=1), required=False)
@click.option("--remove", is_flag=True, help="Remove the label instead.")
@why
@click.pass_obj
def label(serving: Path, name: str, label: str, version: int | None, remove: bool, why: str) -> None:
    """Point a label of your own at a version; clients can ask for it by that name."""
    if remove == (version is not None):
        raise click.UsageError("give either a VERSION or --remove", click.get_current_context())
    registry = Registry(serving)
    _say(name, registry.unlabel(name, label, why) if remove else registry.label(name, label, version, why))


@models.command()
@name
@version
@why
@click.pass_obj
def retire(serving: Path, name: str, version: int, why: str) -> None:
    """Take a version out of service for good; its card and its figures stay."""
    _say(name, Registry(serving).retire(name, version, why))


@models.command()
@name
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many of the newest versions to keep.")
@why
@click.pass_obj
def gc(serving: Path, name: str, keep: int, why: str) -> None:
    """Delete old versions; never a labelled one, never the only one."""
    removed = Registry(serving).gc(name, keep, why)
    click.echo(f"{name}: removed {', '.join(map(str, removed)) or 'nothing'}")


@models.command()
@options.as_json
@click.pass_obj
def verify(serving: Path, as_json: bool) -> None:
    """Compare every file with the digest it was pushed with; exits 1 when one is missing, changed or foreign."""
    findings = find_differences(serving)
    if as_json:
        options.print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{finding.kind}: {finding.path}")
    if findings:
        raise Fault(f"{serving.absolute()} differs from what was pushed: {len(findings)} files")
    if not as_json:
        click.echo("All files are as they were pushed.")


def _say(name: str, labels: dict[str, int]) -> None:
    click.echo(f"{name}: " + ", ".join(f"{label} is version {number}" for label, number in sorted(labels.items())))


def _table(versions: list[dict]) -> Table:
    table = Table("model", "version", "labels", "created", "metrics", "TFLite", box=box.SIMPLE_HEAD, expand=False)
    for entry in versions:
        contenders = entry["metrics"]
        lines = []
        for metric, figure in contenders["candidate"].items():
            others = [f"{who} {value(figures[metric])}" for who, figures in contenders.items()
                      if who != "candidate" and figures and metric in figures]  # fmt: skip
            lines.append(f"{metric} {value(figure)}" + (f" [dim]({', '.join(others)})[/]" if others else ""))
        table.add_row(
            f"[bold]{entry['model']}[/]",
            str(entry["version"]),
            " ".join(f"[green]{label}[/]" if label == "stable" else label for label in entry["labels"]),
            entry["created"].replace("T", " ")[:16],
            "\n".join(lines),
            "\n".join(tflite_line(variant) for variant in entry["tflite"]),
        )
    return table
