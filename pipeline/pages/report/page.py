"""Writes the report: everything is in the one file, and nothing is loaded from elsewhere."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from easel_serving.registry import files

from pipeline.configuration.config import Config
from pipeline.history import story
from pipeline.history.result import ModelResult
from pipeline.history.store import Store
from pipeline.history.verdicts import Outputs
from pipeline.pages import html
from pipeline.pages.contact_sheet import classifier_findings, classifier_sheet, contents
from pipeline.pages.contact_sheet.classifier_findings import Findings
from pipeline.pages.contact_sheet.sheet import Gallery
from pipeline.pages.data import charts as data_charts
from pipeline.pages.data import page as data_page
from pipeline.pages.data.content import Section
from pipeline.pages.report import by_painting, charts, content
from pipeline.pages.report.content import ModelPage
from pipeline.progress.wording import duration
from pipeline.terminal import summary

NAME = "report.html"
_RUNS = 30
"""Of the trends."""


@dataclasses.dataclass(frozen=True)
class Material:
    """What is slow to gather and that other pages and pictures of a run show, too.

    `painted` and `painted_before` are the candidate's and the champion's pictures of the same pairs.
    """

    sections: Sequence[Section]
    findings: Findings | None
    painted: Gallery | None
    painted_before: Gallery | None


def gather(config: Config, outputs: Outputs) -> Material:
    """Reads the images, asks the classifier and paints, as far as the run's artifacts are still there."""
    return Material(
        sections=data_page.sections(config, outputs),
        findings=classifier_findings.gather(outputs),
        painted=contents.gallery(outputs),
        painted_before=contents.gallery(outputs, "Champion.style"),
    )


def write(store: Store, outputs: Outputs, material: Material, folder: Path) -> Path:
    """Draws `report.html` into the folder of a run; returns its path."""
    found = story.tell(store, outputs.run)
    runs = [outputs.run, *(store.run(each.id) for each in story.before(store, outputs.run)[: _RUNS - 1])]
    summaries = [story.summarize(run) for run in runs]
    pages = [_model(model, outputs, material, summaries) for model in found.summary.models]
    path = folder / NAME
    files.write(path, render(f"{found.summary.pipeline}, run {found.summary.run}", found, pages, material.sections))
    return path


def render(title: str, found: story.Story, models: Sequence[ModelPage], sections: Sequence[Section]) -> str:
    """The page's HTML."""
    environment = html.environment(Path(__file__).parent, data_page.TEMPLATES)
    environment.filters |= {
        "figure": summary.value,
        "size": summary.size,
        "duration": duration,
        "verdict": summary.verdict,
        "bound": summary.bound,
    }
    return environment.get_template("report.html").render(
        title=title,
        story=found,
        models=models,
        sections=sections,
        width=data_charts.WIDTH,
        height=data_charts.HEIGHT,
    )


def _model(result: ModelResult, outputs: Outputs, material: Material, runs: Sequence[story.Summary]) -> ModelPage:
    decision = outputs.document(f"PromotionGate.{result.lane}", "decision", "decision.json")
    trends = content.trends(result.name, runs, result.checks)
    if not decision:
        return ModelPage(result, trends=trends)
    own = _classifier(material.findings) if result.lane == "classifier" else _style(outputs, material)
    known = by_painting.by_painting(outputs) if result.lane == "style" else {}
    tables = content.slice_tables(decision["slices"], list(decision["metrics"]["candidate"]), known)
    return ModelPage(result, slices=tables, trends=trends, **own)


def _classifier(findings: Findings | None) -> dict[str, Any]:
    if findings is None:
        return {}
    return {
        "charts": content.classifier_charts(findings),
        "confusion": content.drawn(findings.confusion),
        "classes": tuple(classifier_sheet.class_table(findings.confusion)),
        "answers": content.answers(findings),
    }


def _style(outputs: Outputs, material: Material) -> dict[str, Any]:
    history = outputs.document("StyleTrainer.style", "model", "model.json").get("training", {}).get("history", {})
    galleries = {"candidate": material.painted, "champion": material.painted_before}
    shown = {model: gallery for model, gallery in galleries.items() if gallery}
    curves = charts.svg(lambda axes: charts.steps(axes, history), "losses of the style network") if history else None
    return {
        "sheet": content.sheet(shown) if shown else None,
        "charts": (("How it learned", curves),) if curves else (),
    }
