import json
import sys
import types

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import types as easel_types
from components.tflite_exporter import files, sampling
from components.tflite_exporter.executor import Executor
from trainer.tflite import isolation
from trainer.tflite.contract import Judgement, Part, Sample
from trainer.tflite.options import TFLiteOptions


def write_split(folder, values):
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data-00000-of-00001.gz"), options="GZIP") as writer:
        for value in values:
            writer.write(str(value).encode())


@pytest.fixture
def lane(monkeypatch):
    """A lane module with one part that doubles a number; it withholds float16 and notes what it was given."""
    seen = []

    def samples(given):
        for record in given:
            seen.append(int(record))
            yield Sample({"x": np.full((1, 4), float(record), np.float32)})

    def judge(variant, measurements):
        worst = max(m.values["error"] for m in measurements)
        return Judgement({"error": worst, "ratio": np.inf}, "not wanted" if variant == "float16" else "")

    def parts(model_dir, options):
        measure = lambda sample, expected, got: {"error": float(np.abs(expected["y"] - got["y"]).max())}  # noqa: E731
        return [Part("doubler", model_dir / "tflite/doubler", samples, measure, judge)]

    monkeypatch.setattr(isolation, "_work", lambda jobs: (0, str(isolation.work(jobs))))  # no second TensorFlow
    module = types.ModuleType("a_lane")
    module.OPTIONS, module.parts, module.seen = TFLiteOptions, parts, seen
    monkeypatch.setitem(sys.modules, "a_lane", module)
    return module


def run(tmp_path, splits, **options):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32, name="x")])
    def serve(x):
        return {"y": 2 * x}

    tf.saved_model.save(module, str(tmp_path / "model/tflite/doubler"), {"serving_default": serve})
    for split, values in splits.items():
        write_split(tmp_path / f"examples/Split-{split}", values)
    model, examples, tflite = standard_artifacts.Model(), standard_artifacts.Examples(), easel_types.TFLiteModels()
    model.uri, examples.uri, tflite.uri = (str(tmp_path / name) for name in ("model", "examples", "tflite"))
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    Executor().Do(
        {"model": [model], "examples": [examples]},
        {"tflite": [tflite]},
        {"module_path": "a_lane", "options": TFLiteOptions(**options).model_dump_json()},
    )
    return tmp_path / "tflite"


def test_files_and_verdicts_of_variants_kept_and_withheld(tmp_path, lane):
    folder = run(tmp_path, {"eval": range(5)}, variants=["float32", "float16"])
    kept, withheld = files.read_verdicts(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["doubler.float32.tflite", "tflite.json"]
    assert (kept["part"], kept["variant"], kept["verdict"], kept["reason"]) == ("doubler", "float32", "ok", "")
    assert kept["bytes"] == (folder / "doubler.float32.tflite").stat().st_size
    assert set(kept["metrics"]) == {"error", "latency_ms", "examples"}
    assert (withheld["variant"], withheld["verdict"], withheld["reason"]) == ("float16", "withheld", "not wanted")
    json.dumps([kept, withheld], allow_nan=False)


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        ({"eval": range(6), "train": range(100, 140)}, {100, 110, 120, 130}),
        ({"eval": range(40)}, {0, 10, 20, 30}),
    ],
)
def test_int8_is_calibrated_on_train_where_there_is_such_a_split(tmp_path, lane, splits, expected):
    run(tmp_path, splits, variants=["int8"], calibration_examples=4, held_out_examples=2)
    calibration = lane.seen[:-2]
    assert set(calibration) == expected


def test_records_are_spread_over_the_split(tmp_path):
    write_split(tmp_path / "split", range(10))
    assert [int(record) for record in sampling.spread(tmp_path / "split", 4)] == [0, 2, 5, 7]
    assert len(list(sampling.spread(tmp_path / "split", None))) == 10
    assert len(list(sampling.spread(tmp_path / "split", 99))) == 10
