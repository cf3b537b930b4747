"""A report of everything that a report can hold, with hostile names in every place."""

from pathlib import Path

import numpy as np

from pipeline.history.configuration import Change
from pipeline.history.result import ModelResult
from pipeline.history.story import Component, Folder, Story, Summary
from pipeline.pages.contact_sheet.classifier_findings import Findings
from pipeline.pages.contact_sheet.classifier_sheet import Answer
from pipeline.pages.contact_sheet.sheet import Confusion, Gallery
from pipeline.pages.data.content import Section
from pipeline.pages.report import content, page
from pipeline.pages.report.content import ModelPage

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
