import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.history.result import ModelResult, RunResult, jsonable

CODES = {"pushed": 0, "unchanged": 0, "skipped": 0, "rejected": 4, "stopped": 3, "failed": 1}
PRECEDENCE = [1, 3, 4, 0]


def result(*outcomes):
    models = tuple(ModelResult(f"m{index}", "classifier", outcome) for index, outcome in enumerate(outcomes))
    return RunResult("r", models, 1.5, Path("/s"))


@pytest.mark.parametrize("outcomes", list(itertools.product(CODES, repeat=2)))
def test_the_exit_code_is_that_of_the_worst_outcome(outcomes):
    expected = min((CODES[outcome] for outcome in outcomes), key=PRECEDENCE.index)
    assert result(*outcomes).exit_code == expected


def test_the_document_is_strict_json():
    model = ModelResult(
        "c",
        "classifier",
        "rejected",
        metrics={"candidate": {"accuracy": np.float32(0.5), "ece": float("nan")}, "champion": None},
        checks=({"value": float("inf"), "passed": np.bool_(True), "bound": np.int64(3)},),
    )
    document = json.loads(json.dumps(RunResult("r", (model,), 2.0, Path("/s")).to_json(), allow_nan=False))
    assert document["exit_code"] == 4
    assert document["serving"] == "/s"
    assert document["models"][0]["metrics"] == {"candidate": {"accuracy": 0.5, "ece": None}, "champion": None}
    assert document["models"][0]["checks"] == [{"value": None, "passed": True, "bound": 3}]


def test_jsonable_keeps_plain_values():
    plain = {"a": [1, 2.5, "x", None, True], "b": {"c": []}}
    assert jsonable(plain) == plain
