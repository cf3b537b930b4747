"""TFX's Evaluator for both lanes: its configuration made of our rules, and its results read back as plain values."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma

from trainer.evaluation import metrics as own_metrics
from trainer.evaluation.rules import TOLERANCE, Direction, Rule, Rules

CANDIDATE = "candidate"
CHAMPION = "champion"

# Beam's batches grow to 1,000 rows; a batch of decoded photographs that size exhausts memory.
BATCH_SIZE = 16

Metrics = dict[str, float]


def eval_config(
    metrics: Iterable[tfma.MetricConfig],
    directions: Mapping[str, Direction],
    rules: Rules,
    slices: Iterable[str],
    *,
    signature: str = "serving_default",
    label_key: str | None = None,
    batch_size: int = BATCH_SIZE,
) -> tfma.EvalConfig:
    """The Evaluator's configuration for a candidate and a champion.

    Without a champion TFX drops the second model and the thresholds that compare with it; where that leaves none the
    Evaluator blesses nothing. That is the PromotionGate's business, as are the trivial baseline and the slices.

    Args:
        metrics: of the lane, each with its name in `config` (`metrics.mean_output` makes such).
        directions: metric name -> whether higher or lower is better.
        rules: metric name -> bounds; may be empty (to measure only).
        slices: features by whose values the metrics are computed apart, besides all examples together.
        signature: of the SavedModel, that the Evaluator calls.
        label_key: the feature that holds the truth, for metrics that read labels.
        batch_size: examples that are decoded and evaluated at once.

    Raises:
        ValueError: a rule is for a metric that is not measured.
    """
    metrics = list(metrics)
    names = [json.loads(metric.config)["name"] for metric in metrics]
    unknown = sorted(set(rules) - set(names))
    if unknown:
        raise ValueError(f"no metric called {', '.join(unknown)}: there are {', '.join(names)}")
    config = tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                name=name,
                is_baseline=name == CHAMPION,
                signature_name=signature,
                label_key=label_key or "",
                inference_batch_size=batch_size,
            )
            for name in (CANDIDATE, CHAMPION)
        ],
        slicing_specs=[tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=[feature]) for feature in slices)],
    )
    spec = config.metrics_specs.add()
    spec.metrics.add(class_name="ExampleCount")
    for name, metric in zip(names, metrics, strict=True):
        added = spec.metrics.add()
        added.CopyFrom(metric)
        if name in rules:
            _add_threshold(added, rules[name], directions[name])
    return config


@dataclass(frozen=True)
class Evaluation:
    """What an Evaluator measured, read once.

    Attributes:
        measured: {"candidate": {metric: value}, "champion": {metric: value} or None when there was none, "examples":
            count, "slices": {feature: {value: {"candidate": .., "champion": .., "examples": count}}}}; a value may be
            NaN. A slice by several features has their names and values joined by ", ".
        tables: the values over all examples of the metrics that are no number, by (name, model).
    """

    measured: dict[str, Any]
    tables: Mapping[tuple[str, str], bytes]

    def outcomes(self, model: str = CANDIDATE, name: str = "outcomes") -> np.ndarray | None:
        """Each example's own values under a model: what `metrics.Outcomes` collected over all examples.

        Returns:
            A structured array [N] sorted by `key`, a field per output; None when nothing was collected of `model`.
        """
        value = self.tables.get((name, model))
        return None if value is None else own_metrics.read_outcomes(value)


def read(evaluation_uri: str) -> Evaluation:
    """Reads the folder of a ModelEvaluation artifact.

    Raises:
        ValueError: the folder holds no results.
    """
    overall: dict[str, Any] | None = None
    slices: dict[str, dict[str, Any]] = {}
    tables: dict[tuple[str, str], bytes] = {}
    for record in tfma.load_metrics(evaluation_uri):
        keys = record.slice_key.single_slice_keys
        values = _contenders(record)
        if keys:
            feature = ", ".join(key.column for key in keys)
            slices.setdefault(feature, {})[", ".join(map(_slice_value, keys))] = values
            continue
        overall = values
        tables = {
            (item.key.name, item.key.model_name or CANDIDATE): item.value.bytes_value
            for item in record.metric_keys_and_values
            if item.value.HasField("bytes_value") and not item.key.is_diff
        }
    if overall is None:
        raise ValueError(f"{evaluation_uri}: no metrics of the Evaluator in this folder")
    ordered = {feature: dict(sorted(values.items())) for feature, values in sorted(slices.items())}
    return Evaluation({**overall, "slices": ordered}, tables)


def read_failures(evaluation_uri: str) -> list[str]:
    """The metrics whose thresholds the Evaluator found violated or could not check, sorted."""
    result = tfma.load_validation_result(evaluation_uri)
    failed = {
        failure.metric_key.name for validation in result.metric_validations_per_slice for failure in validation.failures
    }
    return sorted(failed)


def _add_threshold(metric: tfma.MetricConfig, rule: Rule, direction: Direction) -> None:
    threshold = tfma.MetricThreshold()
    if rule.at_least is not None:
        threshold.value_threshold.lower_bound.value = rule.at_least - TOLERANCE
    if rule.at_most is not None:
        threshold.value_threshold.upper_bound.value = rule.at_most + TOLERANCE
    if rule.max_loss_to_champion is not None:
        change = threshold.change_threshold
        higher = direction == "higher"
        change.direction = tfma.MetricDirection.HIGHER_IS_BETTER if higher else tfma.MetricDirection.LOWER_IS_BETTER
        allowed = rule.max_loss_to_champion + TOLERANCE
        change.absolute.value = -allowed if higher else allowed
    if threshold.ByteSize():
        # MetricConfig.threshold would hold in every slice: bound all examples together only.
        metric.per_slice_thresholds.add(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)


def _contenders(record: tfma.MetricsForSlice) -> dict[str, Any]:
    """The values of one slice by model; the Evaluator calls a model that is alone ""."""
    by_model: dict[str, Metrics] = {}
    examples = 0
    for item in record.metric_keys_and_values:
        name, model = item.key.name, item.key.model_name or CANDIDATE
        if item.key.is_diff or item.value.HasField("array_value") or item.value.HasField("bytes_value"):
            continue  # tables, such as who was taken for whom, are not numbers and bear no rule
        if name == "example_count":
            examples = int(item.value.double_value.value)
        else:
            by_model.setdefault(model, {})[name] = _number(item.value)
    return {CANDIDATE: by_model.get(CANDIDATE, {}), CHAMPION: by_model.get(CHAMPION), "examples": examples}


def _number(value: Any) -> float:
    """TFMA's scalar; a metric that could not be computed is stored as something else, which is not a number to us."""
    return value.double_value.value if value.HasField("double_value") else math.nan


def _slice_value(key: Any) -> str:
    kind = key.WhichOneof("kind")
    value = getattr(key, kind)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
