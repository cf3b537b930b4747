import dataclasses
import io
from pathlib import Path

from pipeline.history.result import ModelResult, RunResult
from pipeline.progress.wording import size
from pipeline.terminal.console import console
from pipeline.terminal.summary import render


def text_of(*models, **places):
    screen = console(file=io.StringIO(), width=120)
    screen.print(render(RunResult("r", models, 61, Path("/s"), **places)))
    return screen.file.getvalue()


def check(metric, bound, rule, passed, where=""):
    return {"metric": metric, "slice": where, "value": 0.5, "bound": bound, "rule": rule, "passed": passed}


def variant(part, name, verdict="ok"):
    return {"part": part, "variant": name, "bytes": 2_600_000, "verdict": verdict, "metrics": {}, "reason": ""}


CLASSIFIER = ModelResult(
    "classifier",
    "classifier",
    "pushed",
    version=3,
    metrics={"candidate": {"accuracy": 0.93}, "champion": {"accuracy": 0.91}, "trivial": {"accuracy": 0.41}},
    checks=(check("accuracy", 0.05, "beats_trivial_by", True), check("accuracy", 0.9, "at_least", True, "class=a")),
    reasons=("accuracy beats the linear model's [0.41]",),
    warnings=("photos: class 'trash' is small",),
    tflite=(variant("classifier", "int8"), variant("classifier", "dynamic", "withheld")),
    data={"photos": {"examples": 1258}},
)


def test_a_pushed_model_shows_figures_bounds_reasons_and_variants():
    text = text_of(CLASSIFIER, sheet=Path("/w/sheet.png"), log=Path("/w/1.log"))
    assert "✓ classifier  pushed as version 3  1,258 photos" in text
    row = next(line for line in text.splitlines() if "accuracy " in line and "0.930" in line)
    assert row.split()[:4] == ["accuracy", "0.930", "0.910", "0.410"]
    assert "✓ better than trivial by 0.050" in row
    assert "≥" not in text
    assert "• accuracy beats the linear model's [0.41]" in text
    assert "class 'trash' is small" in text
    assert "2.6 MB" in text
    assert "withheld" in text
    assert "/w/sheet.png" in text
    assert "/w/1.log" in text
    assert "1:01" in text


def test_each_trivial_model_has_a_column_of_its_own():
    trivials = {"colour regression": {"accuracy": 0.41}, "the majority class": {"accuracy": 0.25}}
    model = dataclasses.replace(CLASSIFIER, trivials=trivials, provisional=True)
    text = text_of(model)
    row = next(line for line in text.splitlines() if "accuracy " in line and "0.930" in line)
    assert row.split()[:5] == ["accuracy", "0.930", "0.910", "0.410", "0.250"]
    assert "majority" in text
    assert "pushed as version 3, provisionally" in text
    document = RunResult("r", (model,), 1, Path("/s")).to_json()["models"][0]
    assert document["trivials"] == trivials
    assert document["metrics"].keys() == {"candidate", "champion", "trivial"}


def test_paintings_that_training_never_saw_are_reported_apart():
    unseen = {"candidate": {"ssim": 0.41}, "champion": None, "examples": 8}
    metrics = {"candidate": {"ssim": 0.52}, "champion": {"ssim": 0.5}, "trivial": {"ssim": 0.9}}
    model = ModelResult("s", "style", "pushed", version=1, metrics=metrics, unseen=unseen)
    row = next(line for line in text_of(model).splitlines() if "never saw" in line)
    assert row.split() == ["ssim,", "paintings", "it", "never", "saw", "0.410"]
    assert RunResult("r", (model,), 1, Path("/s")).to_json()["models"][0]["unseen"] == unseen


def test_a_first_model_has_no_champion_column():
    first = ModelResult(
        "c", "classifier", "rejected", metrics={"candidate": {"ece": 0.1}, "champion": None, "trivial": {}}
    )
    text = text_of(first)
    assert "champion" not in text
    assert "not approved: nothing serves yet" in text


def test_models_without_figures_are_a_line_and_their_reasons():
    stopped = ModelResult("style", "style", "stopped", reasons=("paintings: no image",))
    text = text_of(stopped, ModelResult("c", "classifier", "unchanged", version=2))
    assert "■ style  stopped by data validation" in text
    assert "• paintings: no image" in text
    assert "✓ c  unchanged: version 2 serves" in text


def test_sizes():
    assert [size(900), size(460_000), size(2_600_000)] == ["1 kB", "460 kB", "2.6 MB"]
