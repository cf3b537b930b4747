"""The list of runs and the story of one, for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline import summary
from pipeline.history.story import Component, Folder, Story, Summary
from pipeline.progress import duration, number

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


def story(told: Story) -> RenderableType:
    """Everything about one run, the verdicts above all."""
    head = told.summary
    state = "" if head.finished else ", not finished: it still runs or was killed"
    title = Text.assemble(
        ("run ", "dim"), (head.run, "bold"), f"  {head.pipeline}, {head.started}, {duration(head.seconds)}{state}"
    )
    parts: list[RenderableType] = [title, *summary.models(head.models)]
    parts += _section("why it ran", _lines(told.reasons or ("nothing changed: everything came from the cache",)))
    parts += _section("data", _data(told.data))
    if told.previous:
        parts += _section(f"configuration, against run {told.previous}", _changes(told))
    parts += _section("components", _components(told.components))
    facts = {key: value for key, value in told.provenance.items() if not isinstance(value, Mapping)}
    parts += _section("code", _grid({**facts, **told.provenance.get("packages", {})}))
    parts += _section("files", _grid(told.files))
    return Group(*parts)


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


def _changes(told: Story) -> RenderableType:
    if not told.configuration:
        return Text("unchanged", "dim")
    grid = Table.grid(padding=(0, 2))
    for key, before, after in told.configuration:
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
