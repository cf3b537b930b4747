"""`easel models`: commands that look."""

import os
import sys
from pathlib import Path

import click
from easel_serving import shipped
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import audit
from easel_serving.registry.directory import Directory, check_name
from easel_serving.registry.verify import verify as find_differences
from rich import box
from rich.table import Table

from pipeline.commands import options
from pipeline.commands.failures import Fault
from pipeline.commands.models.group import models, name, version
from pipeline.progress.wording import value
from pipeline.terminal import quiet


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
    found = shipped.version() if name == shipped.NAME else Directory(serving).version(name, version)
    if as_json:
        options.print_json(found.manifest)
        return
    card = found.manifest_dir / "card.md"
    if not card.is_file():
        raise ServingError(f"{name} version {version} has no card: it was not pushed by Easel")
    from rich.markdown import Markdown  # 0.2 s that the other commands need not wait for

    from pipeline.history import brief  # what it imports would slow `easel --help` down

    text = card.read_text("utf-8") if everything or name == shipped.NAME else brief.card(found)
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
            click.echo(f"{finding.kind}: {finding.path}{f' ({finding.why})' if finding.why else ''}")
    if findings:
        raise Fault(f"{serving.absolute()} differs from what was pushed: {len(findings)} files")
    if not as_json:
        click.echo("All files are as they were pushed.")


def _moves(record: dict) -> str:
    """What a change did to the labels: `stable 1 > 2, canary > 3`."""
    old, new = record["from"], record["to"]
    moved = [label for label in sorted({*old, *new}) if old.get(label) != new.get(label)]
    return ", ".join(f"{label} {old.get(label, '')} > {new.get(label, '-')}".replace("  ", " ") for label in moved)
