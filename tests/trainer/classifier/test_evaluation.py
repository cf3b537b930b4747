"""TFX's own Evaluator on two models whose classes differ in order and number."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.evaluator import executor as evaluator
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from tests.trainer.classifier.pictures import TableModel, example
from trainer.classifier.evaluation import (
    METRICS,
    SLICES,
    buckets,
    confusion,
    custom_extractors,
    metric_configs,
    reliability,
)
from trainer.evaluation import eval_config, read_metrics, read_outcomes

TRUTH = ["cat", "cat", "dog", "dog", "emu"]
# Scores by row. The champion numbers the classes otherwise and has never heard of an emu.
CANDIDATE = (["cat", "dog", "emu"], [[0.8, 0.1, 0.1], [0.6, 0.4, 0], [0.1, 0.9, 0], [0.5, 0.4, 0.1], [0, 0.3, 0.7]])
CHAMPION = (["dog", "cat"], [[0.1, 0.9], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4], [0.4, 0.6]])


def model_artifact(folder, contents):
    model = TableModel(*contents)
    tf.saved_model.save(model, str(folder / "Format-Serving"), signatures={"classify": model.classify})
    artifact = standard_artifacts.Model()
    artifact.uri, artifact.id = str(folder), 1
    return artifact


def evaluate(folder, champion):
    """Runs TFX's executor as the pipeline does; the evaluation's folder."""
    (folder / "examples" / "Split-eval").mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "examples/Split-eval/data-0.gz"), options="GZIP") as writer:
        for row, name in enumerate(TRUTH):
            key = f"{row:064d}".encode()
            side = 200 if row < 2 else 2000
            size = {"image/width": side, "image/height": side}
            writer.write(example(**{"row": row, "image/class/text": name.encode(), "image/key/sha256": key, **size}))
    examples, evaluation = standard_artifacts.Examples(), standard_artifacts.ModelEvaluation()
    examples.uri, examples.split_names = str(folder / "examples"), artifact_utils.encode_split_names(["eval"])
    evaluation.uri = str(folder / "evaluation")
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(folder / "blessing")
    inputs = {"model": [model_artifact(folder / "candidate", CANDIDATE)], "examples": [examples]}
    if champion:
        inputs["baseline_model"] = [model_artifact(folder / "champion", CHAMPION)]
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=["--direct_running_mode=in_memory"], tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    config = eval_config(metric_configs(), METRICS, {}, SLICES)
    evaluator.Executor(context).Do(
        inputs,
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "eval_config": proto_utils.proto_to_json(config),
            "example_splits": json.dumps(None),
            "fairness_indicator_thresholds": None,
            "module_path": custom_extractors.__module__,
        },
    )
    return evaluation.uri


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return evaluate(tmp_path_factory.mktemp("compared"), champion=True)


def test_classes_are_compared_by_name(compared):
    measured = read_metrics(compared)
    assert measured["candidate"]["accuracy"] == pytest.approx(4 / 5)
    assert measured["champion"]["accuracy"] == pytest.approx(4 / 5)
    # cat: 2 right of 2, guessed 3 times; dog: 1 right of 2, guessed once; emu: all right.
    assert measured["candidate"]["macro_f1"] == pytest.approx(np.mean([4 / 5, 2 / 3, 1]))
    assert measured["champion"]["macro_f1"] == pytest.approx(np.mean([4 / 5, 1, 0]))
    # Each of the candidate's answers is alone in its bin.
    assert measured["candidate"]["ece"] == pytest.approx(np.mean([0.2, 0.4, 0.1, 0.5, 0.3]))
    # The champion gives the emu nothing: 0.4^2 + 0.6^2 for what it gives others, and 1.
    assert measured["champion"]["brier"] == pytest.approx(np.mean([0.02, 0.08, 0.18, 0.32, 1.52]))
    assert (measured["candidate"]["unknown_class"], measured["champion"]["unknown_class"]) == (0, pytest.approx(1 / 5))
    assert set(measured["candidate"]) == {*METRICS, "unknown_class"}


def test_each_photos_outcome_is_kept_for_both_models(compared):
    candidate, champion = read_outcomes(compared), read_outcomes(compared, "champion")
    assert [int(key) for key in candidate["key"]] == list(range(5))
    assert candidate["accuracy"].tolist() == [1, 1, 1, 0, 1]
    assert champion["accuracy"].tolist() == [1, 1, 1, 1, 0]


def test_photos_are_bucketed_by_size_brightness_and_folder():
    features = {
        "image/width": np.array([[255], [256], [4000]]),
        "image/height": np.array([[900], [300], [1024]]),
        "image/brightness": np.array([[0.29], [0.3], [0.7]]),
        "image/filename": np.array([[b"cat/kitchen/a.jpg"], [b"cat/b.jpg"], [b"dog/c.jpg"]], dtype=object),
    }
    assert {name: values.tolist() for name, values in buckets(features).items()} == {
        "bucket/size": [b"small", b"medium", b"large"],
        "bucket/brightness": [b"dark", b"medium", b"bright"],
        "bucket/folder": [b"cat/kitchen", b"cat", b"dog"],
    }
    assert buckets({"row": np.array([1])}) == {}


def test_buckets_are_slices_of_the_evaluation(compared):
    slices = read_metrics(compared)["slices"]["bucket/size"]
    assert {name: values["examples"] for name, values in slices.items()} == {"small": 2, "large": 3}


def test_slices_are_the_true_classes(compared):
    slices = read_metrics(compared)["slices"]["image/class/text"]
    assert {name: values["candidate"]["accuracy"] for name, values in slices.items()} == {
        "cat": 1.0,
        "dog": 0.5,
        "emu": 1.0,
    }
    assert slices["emu"]["champion"]["accuracy"] == 0.0


def test_the_confusion_matrix_is_read_back(compared):
    labels, counts = confusion(compared)
    assert labels == ["cat", "dog", "emu"]
    np.testing.assert_array_equal(counts, [[2, 0, 0], [1, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(confusion(compared, "champion")[1], [[2, 0, 0], [0, 2, 0], [1, 0, 0]])


def test_the_reliability_diagram_is_read_back(compared):
    count, confidence, correct = reliability(compared)
    assert (count.sum(), correct.sum()) == (5, 4)
    np.testing.assert_allclose(np.sort(confidence[count > 0]), [0.5, 0.6, 0.7, 0.8, 0.9], rtol=1e-6)


def test_a_model_that_is_alone_is_the_candidate(tmp_path):
    uri = evaluate(tmp_path, champion=False)
    assert read_metrics(uri)["candidate"]["accuracy"] == pytest.approx(4 / 5)
    assert confusion(uri)[1].sum() == 5
    with pytest.raises(ValueError, match="no confusion of the champion"):
        confusion(uri, "champion")
