"""TFMA metrics of the classifier. They compare class names, because two models may number their classes differently.

Each reads what `evaluator` puts into the predictions of an example: `accuracy` (1 when the class is right, else 0),
`confidence` (the score of the predicted class), `truth` and `guess` (class names, bytes).
"""

import abc
import collections
import json
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma

from trainer.evaluation.metrics import output_value, per_model

BINS = 15

Key = tfma.metrics.MetricKey
Pairs = collections.Counter[tuple[bytes, bytes]]


def macro_f1(pairs: Pairs) -> float:
    """The mean over the true classes of F1 = 2 * hits / (true + guessed); NaN without examples.

    A class that is only ever guessed lowers the precision of none but itself and is not averaged: within a slice of one
    class the figure stays meaningful. `pairs` counts each (truth, guess).
    """
    true, guessed = collections.Counter(), collections.Counter()
    for (truth, guess), count in pairs.items():
        true[truth] += count
        guessed[guess] += count
    scores = [2 * pairs[name, name] / (true[name] + guessed[name]) for name in true]
    return float(np.mean(scores)) if scores else float("nan")


def calibration_error(count: np.ndarray, confidence: np.ndarray, correct: np.ndarray) -> float:
    """Expected calibration error (Guo et al. 2017, arXiv:1706.04599, equation 3); NaN without examples.

    Of each bin of equal width: the number of examples, the sum of their confidences, and how many are right.
    """
    return float(np.sum(np.abs(confidence - correct)) / np.sum(count)) if np.sum(count) else float("nan")


def confidence_bin(confidence: Any) -> Any:
    """Which of the `BINS` a confidence (0..1, a number or an array) is in; they are open below and closed above."""
    return np.clip(np.ceil(np.asarray(confidence) * BINS) - 1, 0, BINS - 1).astype(int)


class _Combiner(beam.CombineFn, abc.ABC):
    """Sums over examples; any order and grouping gives the same."""

    def __init__(self, key: Key, model_name: str):
        self._key, self._model_name = key, model_name

    def _output(self, element: tfma.metrics.StandardMetricInputs, name: str) -> Any:
        return output_value(element, self._model_name, name).item()

    def extract_output(self, accumulator: Any) -> dict[Key, Any]:
        """Called by Beam."""
        return {self._key: self._value(accumulator)}

    @abc.abstractmethod
    def _value(self, accumulator: Any) -> Any:
        """The metric."""


class _CountPairs(_Combiner):
    def create_accumulator(self) -> Pairs:
        return collections.Counter()

    def add_input(self, accumulator: Pairs, element: tfma.metrics.StandardMetricInputs) -> Pairs:
        accumulator[self._output(element, "truth"), self._output(element, "guess")] += 1
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Pairs]) -> Pairs:
        return sum(accumulators, collections.Counter())


class _MacroF1(_CountPairs):
    def _value(self, accumulator: Pairs) -> float:
        return macro_f1(accumulator)


class _Confusion(_CountPairs):
    def _value(self, accumulator: Pairs) -> bytes:
        rows = sorted((truth.decode(), guess.decode(), count) for (truth, guess), count in accumulator.items())
        return json.dumps(rows).encode()


class _Calibration(_Combiner):
    def create_accumulator(self) -> np.ndarray:
        return np.zeros((3, BINS))

    def add_input(self, accumulator: np.ndarray, element: tfma.metrics.StandardMetricInputs) -> np.ndarray:
        confidence = self._output(element, "confidence")
        accumulator[:, confidence_bin(confidence)] += [1, confidence, self._output(element, "accuracy")]
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return sum(accumulators, np.zeros((3, BINS)))


class _CalibrationError(_Calibration):
    def _value(self, accumulator: np.ndarray) -> float:
        return calibration_error(*accumulator)


class _Reliability(_Calibration):
    def _value(self, accumulator: np.ndarray) -> bytes:
        return json.dumps(accumulator.tolist()).encode()


class MacroF1(tfma.metrics.Metric):
    """`macro_f1` over examples."""

    def __init__(self, name: str = "macro_f1"):
        super().__init__(_macro_f1_computations, name=name)


class ExpectedCalibrationError(tfma.metrics.Metric):
    """`calibration_error` over examples, in 15 bins."""

    def __init__(self, name: str = "ece"):
        super().__init__(_calibration_error_computations, name=name)


class Reliability(tfma.metrics.Metric):
    """The bins behind `calibration_error`: JSON bytes [3, 15], the examples, their confidence and the right ones."""

    def __init__(self, name: str = "reliability"):
        super().__init__(_reliability_computations, name=name)


class Confusion(tfma.metrics.Metric):
    """How often each class was taken for which: JSON bytes [[truth, guess, count], ...]."""

    def __init__(self, name: str = "confusion"):
        super().__init__(_confusion_computations, name=name)


def _macro_f1_computations(name: str, model_names: list[str] | None = None) -> tfma.metrics.MetricComputations:
    return per_model(_MacroF1, name, model_names)


def _calibration_error_computations(name: str, model_names: list[str] | None = None) -> tfma.metrics.MetricComputations:
    return per_model(_CalibrationError, name, model_names)


def _reliability_computations(name: str, model_names: list[str] | None = None) -> tfma.metrics.MetricComputations:
    return per_model(_Reliability, name, model_names)


def _confusion_computations(name: str, model_names: list[str] | None = None) -> tfma.metrics.MetricComputations:
    return per_model(_Confusion, name, model_names)
