"""Gathers what the report says of each model, as plain values that the page's template can print."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from pipeline.history.result import ModelResult
from pipeline.history.story import Summary
from pipeline.pages import html
from pipeline.pages.contact_sheet import classifier_sheet
from pipeline.pages.contact_sheet.classifier_findings import Findings
from pipeline.pages.contact_sheet.sheet import Confusion, Gallery
from pipeline.pages.report import charts
from trainer.classifier.input.preprocessing import CLASS_TEXT
from trainer.evaluation import intervals
from trainer.evaluation.rules import SHOWN_ONLY

HEADLINE = ("accuracy", "macro_f1", "ece", "content_distance", "style_distance", "ssim")
"""The metrics that are told first and followed over the runs."""
_TILE, _PHOTO = 200, 160
"""Longest sides in pixels."""
_CLASSES = 40
"""Classes of a confusion matrix that are drawn; of more, the table of classes tells."""


@dataclass(frozen=True)
class Cell:
    """One figure of a slice, with its interval where one can be given, and the champion's figure."""

    value: float | None
    interval: intervals.Interval | None
    champion: float | None


@dataclass(frozen=True)
class SliceTable:
    """A feature by whose values the metrics were measured apart: `(value, examples, cells)` by row."""

    feature: str
    metrics: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class Photo:
    """A photo with what the classifier said of it: `(class, score)`, the surest first."""

    source: str
    truth: str
    scores: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Sheet:
    """Paintings across, photos down, and beside each photo what each model made of it; addresses of pictures."""

    names: tuple[str, ...]
    paintings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...]
    """`(photo, ((model, (painted, ...)), ...))`."""


@dataclass(frozen=True)
class ModelPage:
    """One model's part of the report. Charts are `(title, svg)`."""

    result: ModelResult
    charts: tuple[tuple[str, str], ...] = ()
    confusion: Confusion | None = None
    classes: tuple[tuple[str, float, float, float, int], ...] = ()
    answers: tuple[tuple[str, tuple[Photo, ...]], ...] = ()
    sheet: Sheet | None = None
    slices: tuple[SliceTable, ...] = ()
    trends: tuple[tuple[str, str], ...] = ()

    @property
    def headline(self) -> dict[str, float]:
        """The candidate's figures that matter most; empty when it was not measured."""
        figures = self.result.metrics.get("candidate") or {}
        return {metric: figures[metric] for metric in HEADLINE if metric in figures}


def classifier_charts(findings: Findings) -> tuple[tuple[str, str], ...]:
    """Learning curves and reliability."""

    def untitled(draw: Callable[[Axes, Any], None], shown: Any, label: str) -> str:
        def both(axes: Axes) -> None:
            draw(axes, shown)
            axes.set_title("", loc="left")  # the page has its own

        return charts.svg(both, label)

    return (
        ("How it learned", untitled(classifier_sheet.draw_history, findings.history, "learning curves")),
        (
            "How often it is right, when how sure",
            untitled(classifier_sheet.draw_reliability, findings.reliability, "reliability"),
        ),
    )


def answers(findings: Findings) -> tuple[tuple[str, tuple[Photo, ...]], ...]:
    """The photos that the classifier's own picture shows, small."""

    def photo(answer: classifier_sheet.Answer) -> Photo:
        best = sorted(answer.scores.items(), key=lambda item: -item[1])[:3]
        return Photo(html.address(Image.fromarray(answer.photo), _PHOTO), answer.truth, tuple(best))

    return tuple((title, tuple(map(photo, block))) for title, block in findings.answers.items())


def sheet(galleries: Mapping[str, Gallery]) -> Sheet:
    """Galleries of the same photos and paintings, by model, as one sheet of small pictures."""

    def small(pictures: Iterable[np.ndarray]) -> tuple[str, ...]:
        return tuple(html.address(Image.fromarray(picture), _TILE) for picture in pictures)

    first, *_ = galleries.values()
    painted = {model: [small(row) for row in gallery.stylised] for model, gallery in galleries.items()}
    rows = (
        (photo, tuple((model, rows[index]) for model, rows in painted.items()))
        for index, photo in enumerate(small(first.photos))
    )
    return Sheet(tuple(first.painting_names), small(first.paintings), tuple(rows))


def drawn(confusion: Confusion) -> Confusion | None:
    """The matrix, unless it has too many classes to be looked at."""
    return confusion if len(confusion.labels) <= _CLASSES else None


def slice_tables(
    slices: Mapping[str, Mapping[str, Mapping[str, Any]]],
    metrics: Sequence[str],
    outcomes: Mapping[str, Mapping[str, np.ndarray]],
) -> tuple[SliceTable, ...]:
    """Tables of PromotionGate's slices, those that bear rules first.

    Args:
        slices: `{feature: {value: {"candidate": {..}, "champion": {..} or None, "examples": n}}}`.
        metrics: the columns.
        outcomes: each example's own figures, float [N], by value of the slice and metric, where they are known.
    """

    def cell(value: str, metric: str, found: Mapping[str, Any]) -> Cell:
        figure, known = found["candidate"].get(metric), outcomes.get(value, {}).get(metric)
        interval = None
        if metric == "accuracy" and figure is not None:
            interval = intervals.of_share(round(figure * found["examples"]), found["examples"])
        elif known is not None:
            interval = intervals.of_mean(known)
        return Cell(figure, interval, (found["champion"] or {}).get(metric))

    return tuple(
        SliceTable(
            "class" if feature == CLASS_TEXT else feature.removeprefix(SHOWN_ONLY),
            tuple(metrics),
            tuple(
                (value, found["examples"], tuple(cell(value, metric, found) for metric in metrics))
                for value, found in values.items()
            ),
        )
        for feature, values in sorted(slices.items(), key=lambda item: item[0].startswith(SHOWN_ONLY))
    )


def trends(name: str, runs: Iterable[Summary], checks: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """A chart per metric over the runs that measured a model.

    Returns:
        `(metric, svg)`; nothing when fewer than two runs measured it.
    """
    measured = [
        (run.started[5:16].replace("T", " "), model)
        for run in reversed(list(runs))
        for model in run.models
        if model.name == name and model.metrics
    ]
    if len(measured) < 2:
        return ()
    days = [moment[:5] for moment, _ in measured]
    if len(set(days)) == len(days):
        measured = [(moment[:5], model) for moment, model in measured]
    bounds = {each["metric"]: each["bound"] for each in checks if each["rule"] in ("at_least", "at_most")}
    metrics = [metric for metric in HEADLINE if any(metric in model.metrics["candidate"] for _, model in measured)]

    def chart(metric: str) -> str:
        points = [
            charts.Point(moment, figure, model.outcome)
            for moment, model in measured
            if (figure := model.metrics["candidate"].get(metric)) is not None
        ]
        label = f"{name} {metric} over the last runs"
        return charts.svg(lambda axes: charts.trend(axes, points, bounds.get(metric)), label, 4.2, 2.2)

    return tuple((metric, chart(metric)) for metric in metrics)
