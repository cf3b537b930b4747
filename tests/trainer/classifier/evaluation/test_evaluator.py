"""TFX's own Evaluator on two models whose classes differ in order and number."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.evaluator import executor as evaluator
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from tests.trainer.classifier.pictures import TableModel, example
from trainer.classifier.evaluation.evaluator import (
    METRICS,
    SLICES,
    buckets,
    confusion,
    custom_extractors,
    folders_of,
    metric_configs,
    reliability,
    slices,
    trivials,
)
from trainer.evaluation.evaluator import Evaluation, eval_config, read
from trainer.evaluation.metrics import outcome_table

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
    """Runs TFX's executor as the pipeline does; what was measured."""
    (folder / "examples" / "Split-eval").mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "examples/Split-eval/data-0.gz"), options="GZIP") as writer:
        for row, name in enumerate(TRUTH):
            key = f"{row:064d}".encode()
            side = 200 if row < 2 else 2000
            size = {"image/width": side, "image/height": side}
            size["image/filename"] = f"{name}/{row}/photo.jpg".encode()
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
    return read(evaluation.uri)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return evaluate(tmp_path_factory.mktemp("compared"), champion=True)


def test_classes_are_compared_by_name(compared):
    measured = compared.measured
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
    candidate, champion = compared.outcomes(), compared.outcomes("champion")
    assert [int(key) for key in candidate["key"]] == list(range(5))
    assert candidate["accuracy"].tolist() == [1, 1, 1, 0, 1]
    assert champion["accuracy"].tolist() == [1, 1, 1, 1, 0]


def test_photos_are_bucketed_by_size_and_brightness():
    features = {
        "image/width": np.array([[255], [256], [4000]]),
        "image/height": np.array([[900], [300], [1024]]),
        "image/brightness": np.array([[0.29], [0.3], [0.7]]),
        "image/filename": np.array([[b"cat/kitchen/a.jpg"], [b"cat/b.jpg"], [b"dog/c.jpg"]], dtype=object),
    }
    assert {name: values.tolist() for name, values in buckets(features).items()} == {
        "bucket/size": [b"small", b"medium", b"large"],
        "bucket/brightness": [b"dark", b"medium", b"bright"],
    }
    assert folders_of(features, 3).tolist() == [b"cat/kitchen", b"cat", b"dog"]
    assert folders_of({}, 2).tolist() == [b"", b""]
    assert buckets({"row": np.array([1])}) == {}


def test_buckets_are_slices_of_the_evaluation(compared):
    slices = compared.measured["slices"]["bucket/size"]
    assert {name: values["examples"] for name, values in slices.items()} == {"small": 2, "large": 3}


def test_the_trivial_models_know_how_often_each_class_occurs(compared):
    colours, majority, prior = trivials(compared)
    assert (colours.name, colours.blind, colours.metrics["accuracy"]) == ("colour regression", False, 0.8)
    assert (majority.name, majority.blind, prior.name, prior.blind) == (
        "the majority class",
        True,
        "the class prior",
        True,
    )
    # Two cats, two dogs and an emu: the first of the commonest is always given.
    assert majority.outcomes["accuracy"].tolist() == [1, 1, 0, 0, 0]
    assert majority.metrics == pytest.approx({"accuracy": 0.4, "macro_f1": 4 / 7 / 3, "ece": 0.6, "brier": 1.2})
    assert prior.metrics["accuracy"] == majority.metrics["accuracy"]
    assert prior.metrics["brier"] == pytest.approx(1 - 0.4**2 - 0.4**2 - 0.2**2)
    assert prior.outcomes["key"].tolist() == compared.outcomes()["key"].tolist()


def test_photos_are_sliced_by_folder_for_both_models(compared):
    found = slices(compared)["bucket/folder"]
    assert list(found) == ["cat/0", "cat/1", "dog/2", "dog/3", "emu/4"]
    assert found["emu/4"]["candidate"]["accuracy"] == 1.0
    assert found["emu/4"]["champion"]["accuracy"] == 0.0
    assert {value["examples"] for value in found.values()} == {1}


def test_a_folder_for_each_thing_makes_few_slices_and_says_so():
    names = [f"cat/{number:03}".encode() for number in range(100) for _ in range(1 + (number < 5))]
    table = outcome_table(
        {
            "key": np.array([f"{row:03}" for row in range(len(names))]),
            "accuracy": np.ones(len(names)),
            "brier": np.zeros(len(names)),
            "confidence": np.ones(len(names)),
            "truth": np.array([b"cat"] * len(names)),
            "guess": np.array([b"cat"] * len(names)),
            "folder": np.array(names),
        }
    )
    file = io.BytesIO()
    np.save(file, table)
    found = slices(Evaluation({}, {("outcomes", "candidate"): file.getvalue()}))["bucket/folder"]
    assert len(found) == 31
    assert list(found)[:6] == [f"cat/{number:03}" for number in range(6)]
    assert found["cat/000"]["examples"] == 2
    assert found["(70 smaller folders)"] == {
        "candidate": {"accuracy": 1.0, "macro_f1": 1.0, "ece": 0.0, "brier": 0.0},
        "champion": None,
        "examples": 70,
    }


def test_slices_are_the_true_classes(compared):
    slices = compared.measured["slices"]["image/class/text"]
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
    alone = evaluate(tmp_path, champion=False)
    assert alone.measured["candidate"]["accuracy"] == pytest.approx(4 / 5)
    assert confusion(alone)[1].sum() == 5
    with pytest.raises(ValueError, match="no confusion of the champion"):
        confusion(alone, "champion")
