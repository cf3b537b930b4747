"""Against scikit-learn and NumPy, merged from shards as Beam merges them."""

import collections
import itertools
import json

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from sklearn.metrics import brier_score_loss, confusion_matrix, f1_score

from trainer.classifier.evaluation import metrics
from trainer.classifier.evaluation.evaluator import judge, summary

NAMES = np.array([b"cardboard", b"glass", b"metal", b"trash"], dtype=object)


@pytest.fixture(scope="module")
def outputs():
    """Judged predictions of 200 examples; `trash` is rare."""
    rng = np.random.default_rng(3)
    truth = rng.choice(4, 200, p=[0.4, 0.3, 0.25, 0.05])
    logits = rng.normal(0, 1, (200, 4))
    logits[np.arange(200), truth] += 1.5
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return judge(np.tile(NAMES, (200, 1)), scores, NAMES[truth])


def combine(metric, outputs, shards=3):
    """What TFMA makes of the metric when the examples come in `shards` shards."""
    (computation,) = metric.computations(model_names=["candidate"])
    combiner = computation.combiner
    accumulators = []
    for shard in range(shards):
        accumulator = combiner.create_accumulator()
        for row in range(shard, len(outputs["truth"]), shards):
            example = {"candidate": {name: values[row : row + 1] for name, values in outputs.items()}}
            accumulator = combiner.add_input(
                accumulator, tfma.metrics.StandardMetricInputs(label=None, prediction=example, example_weight=None)
            )
        accumulators.append(accumulator)
    (value,) = combiner.extract_output(combiner.merge_accumulators(accumulators)).values()
    return value


def test_macro_f1_is_that_of_scikit_learn(outputs):
    truth, guess = outputs["truth"].astype(str), outputs["guess"].astype(str)
    assert combine(metrics.MacroF1(), outputs) == pytest.approx(f1_score(truth, guess, average="macro"))


def test_classes_that_are_only_guessed_do_not_lower_the_average():
    pairs = collections.Counter({(b"old", b"old"): 8, (b"old", b"new"): 2})
    expected = f1_score(["old"] * 10, ["old"] * 8 + ["new"] * 2, labels=["old"], average="macro")
    assert metrics.macro_f1(pairs) == pytest.approx(expected)


def test_calibration_error_is_that_of_its_definition(outputs):
    confidence, accuracy = outputs["confidence"], outputs["accuracy"]
    edges = np.linspace(0, 1, 16)
    expected = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            expected += inside.mean() * abs(accuracy[inside].mean() - confidence[inside].mean())
    assert combine(metrics.ExpectedCalibrationError(), outputs) == pytest.approx(expected)


def test_the_summary_without_beam_is_what_beam_says(outputs):
    found = summary(outputs)
    assert found["macro_f1"] == pytest.approx(combine(metrics.MacroF1(), outputs))
    assert found["ece"] == pytest.approx(combine(metrics.ExpectedCalibrationError(), outputs))
    assert found["accuracy"] == pytest.approx(outputs["accuracy"].mean())


def test_certain_and_right_is_perfectly_calibrated():
    classes = np.array([[b"a", b"b"]] * 4, dtype=object)
    scores = np.array([[1.0, 0.0]] * 4)
    right = judge(classes, scores, np.array([b"a"] * 4, dtype=object))
    wrong = judge(classes, scores, np.array([b"b"] * 4, dtype=object))
    assert combine(metrics.ExpectedCalibrationError(), right) == 0
    assert combine(metrics.ExpectedCalibrationError(), wrong) == 1


def test_confusion_is_that_of_scikit_learn(outputs):
    rows = json.loads(combine(metrics.Confusion(), outputs))
    expected = confusion_matrix(outputs["truth"].astype(str), outputs["guess"].astype(str))
    names = [name.decode() for name in NAMES]
    assert {(truth, guess): count for truth, guess, count in rows} == {
        (names[i], names[j]): int(expected[i, j]) for i in range(4) for j in range(4) if expected[i, j]
    }


def test_without_examples_a_metric_is_no_number():
    nothing = {name: np.array([]) for name in ("truth", "guess", "confidence", "accuracy")}
    assert np.isnan(combine(metrics.MacroF1(), nothing))
    assert np.isnan(combine(metrics.ExpectedCalibrationError(), nothing))


def test_a_class_that_the_model_does_not_know_counts_as_wrong():
    out = judge(np.array([[b"a", b"b"]], dtype=object), np.array([[0.9, 0.1]]), np.array([b"c"], dtype=object))
    assert (out["accuracy"].item(), out["guess"].item(), out["truth"].item()) == (0.0, b"a", b"c")
    assert out["unknown_class"].item() == 1.0


def test_brier_of_two_classes_is_twice_that_of_scikit_learn():
    scores = np.random.default_rng(0).dirichlet([1, 1], 50)
    truth = np.array([b"a", b"b"], dtype=object)[np.random.default_rng(1).integers(0, 2, 50)]
    brier = judge(np.array([[b"a", b"b"]] * 50, dtype=object), scores, truth)["brier"]
    assert brier.mean() == pytest.approx(2 * brier_score_loss(truth == b"b", scores[:, 1]))
