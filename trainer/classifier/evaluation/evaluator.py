"""What TFX's Evaluator needs for classifiers: metrics, and the step from a model's outputs to right and wrong."""

import collections
import json
from collections.abc import Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import predictions_extractor

from trainer.classifier.evaluation import metrics
from trainer.classifier.input.preprocessing import CLASS_TEXT
from trainer.evaluation.evaluator import CANDIDATE, CHAMPION, Evaluation
from trainer.evaluation.metrics import mean_output, outcome_table, outcomes
from trainer.evaluation.rules import SHOWN_ONLY, Direction
from trainer.evaluation.trivial import Trivial

METRICS: dict[str, Direction] = {"accuracy": "higher", "macro_f1": "higher", "ece": "lower", "brier": "lower"}
REPORTED: dict[str, Direction] = {}
"""The training measures nothing itself that is decided by."""
DECISIVE = "accuracy"
"""The metric that says which trivial model is the best one."""
SIZE, BRIGHTNESS, FOLDER = (SHOWN_ONLY + name for name in ("size", "brightness", "folder"))
SLICES = ("image/class/text", SIZE, BRIGHTNESS)
"""What TFMA slices by; `slices` adds the folder."""
MOST_FOLDERS = 30
"""Folders that are slices of their own; a set may have one for each thing that was photographed."""

KEY = "image/key/sha256"
"""The feature that tells examples apart."""

_SIGNATURE = "classify"


def metric_configs() -> list[tfma.MetricConfig]:
    """The metrics of `METRICS`, and what else is read of an evaluation.

    That is `unknown_class` (the share of photos of a class that the model does not have), the tables that `confusion`
    and `reliability` read, and each photo's outcome for `trivials`, `slices` and whoever compares two models.
    """
    ours = {
        "MacroF1": "macro_f1",
        "ExpectedCalibrationError": "ece",
        "Confusion": "confusion",
        "Reliability": "reliability",
    }
    return [
        *map(mean_output, ("accuracy", "brier", "unknown_class")),
        outcomes(["accuracy", "brier", "confidence"], texts=["truth", "guess", "folder"]),
        *(
            tfma.MetricConfig(
                class_name=class_name, module="trainer.classifier.evaluation.metrics", config=json.dumps({"name": name})
            )
            for class_name, name in ours.items()
        ),
    ]


def custom_extractors(
    eval_shared_model: Any, eval_config: tfma.EvalConfig, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """TFMA's extractors, and after the predictions ours: `key` and what `judge` says, per example.

    The models are called by their signature `classify`: TFMA hands a signature whose one input is a string serialized
    Examples, and that is the one that takes them.
    """
    config = tfma.EvalConfig()
    config.CopyFrom(eval_config)
    for spec in config.model_specs:
        spec.signature_name = _SIGNATURE
    extractors = tfma.default_extractors(
        eval_shared_model=eval_shared_model, eval_config=config, tensor_adapter_config=tensor_adapter_config
    )
    stages = [extractor.stage_name for extractor in extractors]
    after = stages.index(predictions_extractor.PREDICTIONS_EXTRACTOR_STAGE_NAME) + 1
    judge = tfma.extractors.Extractor(stage_name="JudgeByName", ptransform=beam.Map(_judged))
    return [*extractors[:after], judge, *extractors[after:]]


def judge(classes: np.ndarray, scores: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """What a model's outputs are worth.

    Classes are bytes [N, K], scores float [N, K], true names bytes [N]; one that is not among the classes makes the
    answer wrong.

    Returns:
        `accuracy` float [N] (1 right, 0 wrong), `confidence` float [N], `brier` float [N] (the squared distance of the
        scores from the truth, 0..2; Brier 1950, "Verification of forecasts expressed in terms of probability"),
        `unknown_class` float [N] (1 or 0), `truth` and `guess` bytes [N].
    """
    rows, best = np.arange(len(scores)), np.argmax(scores, axis=1)
    guess = classes[rows, best]
    is_true = np.equal(classes, truth[:, np.newaxis]).astype(float)
    unknown = 1.0 - is_true.sum(axis=1)
    return {
        "accuracy": is_true[rows, best],
        "confidence": scores[rows, best],
        # A class that is not among the scores has none of the probability.
        "brier": np.sum((scores - is_true) ** 2, axis=1) + unknown,
        "unknown_class": unknown,
        "truth": truth,
        "guess": guess,
    }


def summary(judged: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The metrics of `METRICS` over what `judge` said, without Beam."""
    bins = metrics.confidence_bin(judged["confidence"])
    table = [np.bincount(bins, weights, metrics.BINS) for weights in (None, judged["confidence"], judged["accuracy"])]
    return {
        "accuracy": float(judged["accuracy"].mean(dtype=float)),
        "macro_f1": metrics.macro_f1(collections.Counter(zip(judged["truth"], judged["guess"], strict=True))),
        "ece": metrics.calibration_error(*table),
        "brier": float(judged["brier"].mean(dtype=float)),
    }


def trivials(evaluation: Evaluation) -> list[Trivial]:
    """The models that a classifier has to beat: the colour regression that was evaluated, and two that look at nothing.

    Those two know how often each class occurs among the very photos that they are measured on, so nothing that answers
    without looking can be better: one always gives the commonest class, the other each class its share of the photos.
    """
    found = [Trivial("colour regression", evaluation.measured[CANDIDATE], evaluation.outcomes())]
    collected = evaluation.outcomes()
    if collected is None or not len(collected):
        return found
    truth = collected["truth"].astype(object)
    classes, counts = np.unique(truth, return_counts=True)
    always = np.eye(len(classes))[counts.argmax()]
    for name, scores in (("the majority class", always), ("the class prior", counts / counts.sum())):
        judged = judge(*(np.tile(each, (len(truth), 1)) for each in (classes, scores)), truth)
        table = outcome_table({"key": collected["key"], "accuracy": judged["accuracy"], "brier": judged["brier"]})
        metrics = {metric: round(value, 9) for metric, value in summary(judged).items()}  # no 7e-17
        found.append(Trivial(name, metrics, table, blind=True))
    return found


def slices(evaluation: Evaluation) -> dict[str, Any]:
    """The metrics by the folder that a photo lies in: of the `MOST_FOLDERS` fullest each, of the rest together.

    Returns:
        As in `Evaluation.measured`, without `unknown_class`; {} where the folders are not known.
    """
    tables = {model: evaluation.outcomes(model) for model in (CANDIDATE, CHAMPION)}
    if tables[CANDIDATE] is None:
        return {}
    folders, counts = np.unique(tables[CANDIDATE]["folder"], return_counts=True)
    if folders.tolist() in ([], [b""]):
        return {}
    order = np.lexsort((folders, -counts))
    parts = {_name(folder): [folder] for folder in np.sort(folders[order[:MOST_FOLDERS]])}
    if rest := folders[order[MOST_FOLDERS:]].tolist():
        parts[f"({len(rest)} smaller folders)"] = rest

    def measured(table: np.ndarray | None, members: list[bytes]) -> dict[str, float] | None:
        return None if table is None else summary(table[np.isin(table["folder"], members)])

    return {
        FOLDER: {
            name: {model: measured(table, members) for model, table in tables.items()}
            | {"examples": int(np.isin(tables[CANDIDATE]["folder"], members).sum())}
            for name, members in parts.items()
        }
    }


def confusion(evaluation: Evaluation, model: str = CANDIDATE) -> tuple[list[str], np.ndarray]:
    """How often each class was taken for which, over all examples. `model` is `candidate` or `champion`.

    Returns:
        K class names, sorted (true ones and guessed ones), and int64 [K, K]: rows are true, columns guessed.

    Raises:
        ValueError: that model was not evaluated.
    """
    return _matrix(_table(evaluation, "confusion", model))


def reliability(evaluation: Evaluation, model: str = CANDIDATE) -> np.ndarray:
    """How often a model is right when it is how certain, over all examples. For the arguments see `confusion`.

    Returns:
        float [3, BINS]: of each bin of confidence, equally wide, the examples, their sum of confidence, the right ones.
    """
    return np.array(_table(evaluation, "reliability", model))


def _table(evaluation: Evaluation, name: str, model: str) -> Any:
    if (name, model) not in evaluation.tables:
        raise ValueError(f"the evaluation has no {name} of the {model}")
    return json.loads(evaluation.tables[name, model])


def _name(folder: bytes) -> str:
    return folder.decode(errors="replace") or "(no folder)"


def _judged(extracts: dict[str, Any]) -> dict[str, Any]:
    features, predictions = extracts["features"], extracts["predictions"]
    truth = _values(features[CLASS_TEXT])
    known = {"key": _values(features[KEY]), "folder": folders_of(features, len(truth))}
    if "scores" in predictions:
        judged = judge(**predictions, truth=truth) | known
    else:
        judged = {model: judge(**outputs, truth=truth) | known for model, outputs in predictions.items()}
    return {**extracts, "features": {**features, **buckets(features)}, "predictions": judged}


def buckets(features: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What the photos are sliced by besides their class, as far as the features tell: names, bytes [N].

    `features` are ingest's, of N examples, dense or sparse.

    Returns:
        `bucket/size` by the shorter side (small below 256 pixels, large from 1024 on) and `bucket/brightness` (dark
        below 0.3, bright from 0.7 on).
    """
    found = {}
    if {"image/width", "image/height"} <= set(features):
        shorter = np.minimum(*(_values(features[name]).astype(float) for name in ("image/width", "image/height")))
        found[SIZE] = _bucket(shorter, (256, 1024), (b"small", b"medium", b"large"))
    if "image/brightness" in features:
        brightness = _values(features["image/brightness"]).astype(float)
        found[BRIGHTNESS] = _bucket(brightness, (0.3, 0.7), (b"dark", b"medium", b"bright"))
    return found


def folders_of(features: Mapping[str, Any], examples: int) -> np.ndarray:
    """The folders under the input that the photos lie in, bytes [N]; empty names where the features do not tell."""
    names = _values(features["image/filename"]) if "image/filename" in features else [b""] * examples
    return np.array([name.rpartition(b"/")[0] for name in names], dtype=object)


def _bucket(values: np.ndarray, bounds: tuple[float, ...], names: tuple[bytes, ...]) -> np.ndarray:
    return np.array(names, dtype=object)[np.digitize(values, bounds)]


def _values(feature: Any) -> np.ndarray:
    """A feature of one value per example as [N], dense or sparse as the schema has it."""
    return np.asarray(getattr(feature, "values", feature), dtype=object).reshape(-1)


def _matrix(rows: list[tuple[str, str, int]]) -> tuple[list[str], np.ndarray]:
    labels = sorted({name for truth, guess, _ in rows for name in (truth, guess)})
    counts = np.zeros((len(labels), len(labels)), np.int64)
    for truth, guess, count in rows:
        counts[labels.index(truth), labels.index(guess)] = count
    return labels, counts
