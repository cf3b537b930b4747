"""The report as HTML: what is on it, that other people's names do no harm, and that it loads nothing."""

import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.classifier_report import Findings
from pipeline.classifier_sheet import Answer
from pipeline.data_page.content import Section
from pipeline.history.configuration import Change
from pipeline.history.story import Component, Folder, Story, Summary
from pipeline.report import charts, content, page
from pipeline.report.content import ModelPage
from pipeline.results import ModelResult
from pipeline.sheet import Confusion, Gallery
from tests.pipeline.data_page.test_page import Balance

EVIL = "<script>alert(1)</script>&'\""
PHOTO = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
SLICES = {
    "image/class/text": {
        "cat": {"candidate": {"accuracy": 0.9}, "champion": {"accuracy": 0.8}, "examples": 10},
        EVIL: {"candidate": {"accuracy": 1.0}, "champion": None, "examples": 3},
    }
}


def result(outcome="pushed", accuracy=0.912, **extra) -> ModelResult:
    metrics = {"candidate": {"accuracy": accuracy, "brier": 0.2}, "champion": None, "trivial": {"accuracy": 0.5}}
    check = {"metric": "accuracy", "slice": "", "rule": "at_least", "bound": 0.8, "passed": True}
    return ModelResult("things", "classifier", outcome, 3, metrics, (check,), **extra)


def line(number, model) -> Summary:
    return Summary(f"run-{number}", "easel", f"2026-11-{number:02}T03:00:00+01:00", 61.0, True, 5, 30, (model,))


@pytest.fixture(scope="module")
def html() -> str:
    findings = Findings(
        confusion=Confusion(["cat", EVIL], np.array([[9, 1], [0, 3]])),
        reliability=np.array([[4.0, 6], [1, 5.5], [1, 5]]),
        history={"head": {"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]}},
        augmented=None,
        answers={"the surest mistakes": [Answer(PHOTO, EVIL, {"cat": 0.83, "dog": 0.1})]},
    )
    variant = {"part": "classifier", "variant": "int8", "bytes": 2_700_000, "verdict": "withheld", "reason": "too far"}
    model = result(reasons=("accuracy 0.912 is at least 0.8",), warnings=(EVIL,), tflite=({**variant, "metrics": {}},))
    runs = [line(3, model), line(2, result("rejected", 0.7)), line(1, result(accuracy=0.9))]
    classifier = ModelPage(
        model,
        charts=content.classifier_charts(findings),
        confusion=content.drawn(findings.confusion),
        classes=(("cat", 1.0, 0.9, 0.947, 10),),
        answers=content.answers(findings),
        slices=content.slice_tables(SLICES, ["accuracy"], {}),
        trends=content.trends("things", runs, model.checks),
    )
    gallery = Gallery([PHOTO], [PHOTO, PHOTO], [[PHOTO, PHOTO]], ["wave", EVIL])
    style = ModelPage(
        ModelResult("paintings", "style", "stopped", reasons=("no paintings",)),
        sheet=content.sheet({"candidate": gallery, "champion": gallery}),
    )
    told = Story(
        summary=runs[0],
        reasons=("the files of the folder changed: ImageFolderExampleGen.photos",),
        data={"photos": Folder("/photos", {"seen": 1}, "f")},
        previous="run-2",
        configuration=(Change("style.train.steps", 7, EVIL),),
        components=(Component("Trainer.classifier", "done", 61.5, "new inputs: examples"),),
        provenance={"commit": "abcdef", "packages": {"tfx": "1.16.0"}},
        files={"log": Path("/logs/a.log")},
    )
    empty = Section(
        name="photos", folder="/photos", counts={"seen": 1}, classes=(), hidden_classes=0, compared=(), before="",
        measures=(), issues=(), rejected=(), groups=(), hidden_groups=0, duplicates=(),
    )  # fmt: skip
    return page.render("easel, run 3", told, [classifier, style], [empty])


def test_everything_is_said_escaped_and_nothing_is_loaded(html):
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert "script" not in parser.tags
    assert EVIL not in html
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in parser.addresses)
    assert not re.search(r"https?://|url\((?!#)|@import", html)
    text = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    for words in (
        "pushed as version 3",
        "stopped by data validation",
        "✓ ≥ 0.800",
        "0.900 0.596 to 0.982 was 0.800",
        "0.83 cat",
        "too far",
        "style.train.steps",
        "the files of the folder changed",
        "abcdef",
        "took 1:01",
        "2.7 MB",
    ):
        assert words in text


def test_ids_are_unique_and_every_reference_within_the_page_has_its_target(html):
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', html)) <= set(ids)


def test_charts_take_all_their_colours_from_the_page(html):
    drawings = re.findall(r"<svg class=.*?</svg>", html, re.DOTALL)
    assert len(drawings) == 3  # learning, reliability, and accuracy over three runs
    assert not re.search(r"#[0-9a-fA-F]{6}\b", " ".join(drawings))
    assert "var(--c0)" in drawings[0]
    assert all("fill: var(--ink)" in drawing for drawing in drawings)


def test_a_trend_needs_two_runs_that_measured_the_model():
    unmeasured = ModelResult("things", "classifier", "unchanged", 3)
    assert content.trends("things", [line(2, unmeasured), line(1, result())], ()) == ()
    assert content.trends("others", [line(2, result()), line(1, result())], ()) == ()


def test_slices_bear_intervals_where_they_can():
    painting = {"painting": {"wave": {"candidate": {"ssim": 0.5, "ece": 0.1}, "champion": None, "examples": 3}}}
    [table] = content.slice_tables(painting, ["ssim", "ece"], {"wave": {"ssim": np.array([0.4, 0.5, 0.6])}})
    [(_, _, (ssim, ece))] = table.rows
    assert ssim.interval == pytest.approx((0.2516, 0.7484), abs=1e-3)
    assert ece.interval is None


def test_many_classes_are_left_to_the_table():
    labels = [str(number) for number in range(41)]
    assert content.drawn(Confusion(labels, np.eye(41, dtype=int))) is None


def test_the_style_networks_losses_begin_where_they_were_measured():
    history = {"step": [1, 2, 3], "reproduction": [3, 2, 1], "content": [1.0, 0.5]}
    drawn = []
    charts.svg(lambda axes: (charts.steps(axes, history), drawn.extend(axes.get_lines())), "losses")
    assert [each.get_xdata().tolist() for each in drawn] == [[1, 2, 3], [2, 3]]
