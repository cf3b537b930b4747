"""The list of runs, the story of one and the lineage of a version, for people."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.history.configuration import changes, chosen
from pipeline.history.lineage import Lineage, Sighting
from pipeline.history.story import Component, Folder, Story, Summary
from pipeline.progress.wording import duration, number
from pipeline.terminal import summary

_STYLES = {"cached": "dim", "failed": "red", "stopped": "yellow", "running": "yellow", "canceled": "yellow"}


def table(runs: Sequence[Summary]) -> RenderableType:
    """A line for each run."""
    several = len({run.pipeline for run in runs}) > 1
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("run", *(["name"] if several else []), "began"):
        grid.add_column(name, no_wrap=True)
    grid.add_column("took", justify="right")
    grid.add_column("ran", justify="right")
    grid.add_column("verdicts")
    for run in runs:
        took = duration(run.seconds) if run.finished else f"{duration(run.seconds)}…"
        names = [run.pipeline] if several else []
        verdicts = Text("\n").join(summary.headline(model) for model in run.models)
        ran = f"{run.executed} of {run.executed + run.cached}"
        grid.add_row(run.run, *names, run.started[:16].replace("T", " "), took, ran, verdicts)
    return grid


def story(found: Story) -> RenderableType:
    """Everything about one run, the verdicts above all."""
    head = found.summary
    state = "" if head.finished else ", not finished: it still runs or was killed"
    title = Text.assemble(
        ("run ", "dim"), (head.run, "bold"), f"  {head.pipeline}, {head.started}, {duration(head.seconds)}{state}"
    )
    parts: list[RenderableType] = [title, *summary.models(head.models)]
    parts += _section("why it ran", _lines(found.reasons or ("nothing changed: everything came from the cache",)))
    parts += _section("data", _data(found.data))
    if found.previous:
        parts += _section(f"configuration, against run {found.previous}", _changes(found))
    parts += _section("components", _components(found.components))
    facts = {key: value for key, value in found.provenance.items() if not isinstance(value, Mapping)}
    parts += _section("code", _grid({**facts, **found.provenance.get("packages", {})}))
    parts += _section("files", _grid(found.files))
    return Group(*parts)


def lineage(found: Lineage, everything: bool = False) -> RenderableType:
    """A version's way back: data, configuration, code, metrics, and every step with the run that did it.

    `everything` shows those keys of the configuration, too, that have their defaults.
    """
    title = Text.assemble((found.model, "bold"), f" version {found.version}", (f"  pushed {found.created}", "dim"))
    run = found.run or "unknown: the metadata of its workspace are gone"
    parts: list[RenderableType] = [title, Padding(_grid({"run": run, "digest": found.digest}), (0, 0, 0, 2))]
    folders = {step.node.rpartition(".")[2]: step.folder for step in found.steps if step.folder}
    for part, facts in found.data.items():
        counts = {key: value for key, value in facts.get("report", {}).items() if isinstance(value, int)}
        counted = {"folder": folders.get(part, folders.get(f"style-{part}", "")), **counts}
        digests = {key.replace("_", " "): facts[key] for key in ("digest", "schema_digest") if key in facts}
        parts += _section(part, _grid({**{key: value for key, value in counted.items() if value != ""}, **digests}))
    metrics = {who: figures for who, figures in found.metrics.items() if figures}
    parts += _section("metrics", _grid({who: _figures(figures) for who, figures in metrics.items()}))
    parts += _section("steps", _steps(found))
    facts = {key: value for key, value in found.provenance.items() if not isinstance(value, Mapping)}
    parts += _section("code", _grid({**facts, **found.provenance.get("packages", {})}))
    settings, defaults = chosen(found.configuration)
    if everything:
        settings, defaults = {change.key: change.after for change in changes({}, found.configuration)}, 0
    parts += _section("configuration", _grid(settings))
    if defaults:
        parts.append(Text(f"  {defaults} more keys have their defaults; --all shows them", "dim"))
    return Group(*parts)


def sightings(photo: Path, found: Sequence[Sighting]) -> RenderableType:
    """The versions that saw a photo."""
    if not found:
        return Text(f"No pushed version of this workspace saw {photo}.")
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("model", "version", "as", "of", "run", "serves as"):
        grid.add_column(name)
    for each in found:
        grid.add_row(each.model, str(each.version), each.split, each.part, each.run, ", ".join(each.labels))
    return grid


def _figures(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{metric} {summary.value(figure)}" for metric, figure in figures.items())


def _steps(found: Lineage) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    nodes = {step.id: step.node for step in found.steps}
    for step in found.steps:
        given = dict.fromkeys(nodes[edge.source] for edge in found.edges if edge.target == step.id)
        source = f"from {', '.join(given)}" if given else step.folder
        grid.add_row(
            Text(step.node), Text(step.run, "dim"), Text(f"{step.seconds:,.1f} s", justify="right"), Text(source, "dim")
        )
    return grid


def _section(title: str, content: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, "bold"), Padding(content, (0, 0, 0, 2))]


def _lines(lines: Iterable[str]) -> RenderableType:
    return Group(*(Text(line) for line in lines))


def _grid(facts: Mapping[str, Any]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for name, text in facts.items():
        grid.add_row(Text(name, "dim"), Text(str(text)))
    return grid


def _data(folders: Mapping[str, Folder]) -> RenderableType:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    counts = next(iter(folders.values())).counts if folders else {}
    for name in ("", *counts, "span", "fingerprint", "folder"):
        grid.add_column(name, justify="right" if name in counts else "left")
    for name, each in folders.items():
        cells = [number(each.counts[key]) if key in each.counts else "" for key in counts]
        grid.add_row(name, *cells, _span(each), each.fingerprint[:12], Text(each.folder))
    return grid


def _span(folder: Folder) -> str:
    if folder.span is None:
        return ""
    return f"{folder.span}" + (f" (last {folder.spans})" if folder.spans else "")


def _changes(found: Story) -> RenderableType:
    if not found.configuration:
        return Text("unchanged", "dim")
    grid = Table.grid(padding=(0, 2))
    for key, before, after in found.configuration:
        grid.add_row(Text(key), Text(str(before), "dim"), Text("→", "dim"), Text(str(after)))
    return grid


def _components(components: Iterable[Component]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for each in components:
        seconds = f"{each.seconds:,.1f} s" if each.state != "cached" else ""
        style = _STYLES.get(each.state, "")
        grid.add_row(
            Text(each.node, style), Text(each.state, style), Text(seconds, justify="right"), Text(each.why, "dim")
        )
    return grid
