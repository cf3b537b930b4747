"""The final table of a run, for people."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.history.result import ModelResult, RunResult
from pipeline.progress.wording import duration, number, size, value

_VERDICTS = {
    "pushed": ("✓", "green", "pushed as version {}"),
    "unchanged": ("✓", "green", "unchanged: version {} serves"),
    "rejected": ("✗", "yellow", "not approved: {}"),
    "stopped": ("■", "yellow", "stopped by data validation"),
    "failed": ("✗", "red", "failed"),
    "skipped": ("○", "dim", "not trained: {}"),
    "unfinished": ("○", "dim", "unfinished"),
}

_RULES = {
    "at_least": "≥ {}",
    "at_most": "≤ {}",
    "beats_trivial_by": "better than trivial by {}",
    "beats_trivial_times": "{} times better than trivial",
    "beats_trivial_surely": "surely better than trivial",
    "max_probable_loss_to_champion": "worse than champion by at most {} (95 %)",
    "measured": "a finite number",
    "max_loss_to_champion": "worse than champion by at most {}",
}


def render(result: RunResult) -> RenderableType:
    """Both models: verdict, figures against champion, baseline and threshold, reasons, TFLite; then the places."""
    return Group(*models(result.models), Text(), *_bullets(result.warnings, "yellow"), _places(result))


def models(results: Iterable[ModelResult]) -> list[RenderableType]:
    """Each model: verdict, figures against champion, baseline and threshold, reasons, TFLite."""
    parts: list[RenderableType] = []
    for model in results:
        parts += [Text(), headline(model)]
        if any(model.metrics.values()):
            parts.append(_metrics(model))
        parts += _bullets(model.reasons, "")
        parts += _bullets(model.warnings, "yellow")
        if model.tflite:
            parts.append(_tflite(model.tflite))
    return parts


def tflite_line(variant: Mapping[str, Any]) -> str:
    """One variant: part, variant, and its size or that it is withheld."""
    name = f"{variant['part']} {variant['variant']}"
    return f"{name} {size(variant['bytes'])}" if variant["verdict"] == "ok" else f"{name} withheld"


def verdict(model: ModelResult) -> str:
    """What a model came to, in words."""
    words = _VERDICTS[model.outcome][2]
    if model.outcome == "skipped":
        words = words.format(f"version {model.version} serves" if model.version else "nothing serves yet")
    if model.outcome == "rejected":
        words = words.format(f"version {model.version} still serves" if model.version else "nothing serves yet")
    if model.outcome == "unchanged" and not model.version:
        words = "unchanged: nothing serves yet"
    if model.outcome == "pushed" and model.provisional:
        words += ", provisionally"
    return words.format(model.version)


def bound(check: Mapping[str, Any]) -> str:
    """What a check asks for, in words."""
    return _RULES.get(check["rule"], check["rule"]).format(value(check["bound"]))


def headline(model: ModelResult) -> Text:
    """The model's name, its verdict and how many images it was made from."""
    sign, style, _ = _VERDICTS[model.outcome]
    words = verdict(model)
    line = Text.assemble((f"{sign} ", style), (model.name, "bold"), "  ", (words, style))
    counts = [f"{number(files['examples'])} {key}" for key, files in model.data.items() if files.get("examples")]
    return line.append(f"  {', '.join(counts)}", style="dim") if counts else line


def _metrics(model: ModelResult) -> RenderableType:
    contenders = model.contenders
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column("metric")
    for contender in contenders:
        table.add_column(contender, justify="right", style="bold" if contender == "candidate" else "")
    table.add_column("must be")
    overall = [check for check in model.checks if not check.get("slice")]
    for metric in dict.fromkeys(metric for figures in contenders.values() for metric in figures):
        bounds = Text("\n").join(_bound(check) for check in overall if check["metric"] == metric)
        table.add_row(metric, *(value(figures.get(metric)) for figures in contenders.values()), bounds)
    for metric in model.unseen.get("candidate", {}):
        apart = ((model.unseen.get(name) or {}).get(metric) for name in contenders)
        table.add_row(Text(f"{metric}, paintings it never saw", "dim"), *map(value, apart))
    return Padding(table, (0, 0, 0, 2))


def _bound(check: Mapping[str, Any]) -> Text:
    sign = ("✓ ", "green") if check["passed"] else ("✗ ", "red")
    return Text.assemble(sign, bound(check))


def _bullets(lines: Iterable[str], style: str) -> list[RenderableType]:
    return [Padding(Text.assemble(("• ", "dim"), (line, style)), (0, 0, 0, 2)) for line in lines]


def _tflite(variants: Iterable[Mapping[str, Any]]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    parts: dict[str, dict[str, Mapping[str, Any]]] = {}
    for entry in variants:
        parts.setdefault(entry["part"], {})[entry["variant"]] = entry
    table.add_column("TFLite")
    names = list(dict.fromkeys(name for entries in parts.values() for name in entries))
    for name in names:
        table.add_column(name, justify="right")
    for part, entries in parts.items():
        table.add_row(part, *(_variant(entries.get(name)) for name in names))
    return Padding(table, (0, 0, 0, 2))


def _variant(entry: Mapping[str, Any] | None) -> Text:
    if entry is None:
        return Text()
    return Text(size(entry["bytes"])) if entry["verdict"] == "ok" else Text("withheld", "yellow")


def _places(result: RunResult) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_row(Text("serving directory", "dim"), str(result.serving))
    for name, path in (
        ("report", result.report),
        ("data page", result.data_page),
        ("contact sheet", result.sheet),
        ("log", result.log),
    ):
        if path:
            grid.add_row(Text(name, "dim"), str(path))
    grid.add_row(Text("time", "dim"), duration(result.seconds))
    return grid
