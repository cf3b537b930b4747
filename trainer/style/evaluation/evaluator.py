"""How the style lane is evaluated: VGG19 looks at what `serving_default` returned for (photo, painting) pairs.

An extractor, put after TFMA's own predictions, replaces each model's picture by a few numbers, which small metrics
average. TFX gives the extractor nothing but the evaluation's configuration, so the perceptual network's weights travel
in the configuration of each metric.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import predictions_extractor
from tensorflow_model_analysis.utils import model_util

from trainer.evaluation.evaluator import CANDIDATE, Evaluation
from trainer.evaluation.metrics import MeanOutput, outcomes
from trainer.evaluation.rules import UNSEEN, Direction
from trainer.evaluation.trivial import Trivial
from trainer.style.evaluation.judge import Judge, flicker
from trainer.style.options import PerceptualOptions

METRICS: dict[str, Direction] = {
    "content_distance": "lower",
    "style_distance": "lower",
    "ssim": "higher",
    "colour_distance": "lower",
    "flicker": "lower",
}
REPORTED: dict[str, Direction] = {"forgetting": "lower"}
"""What the training measures itself, where it can (`trainer.style.training.memory`)."""
DECISIVE = "style_distance"
"""The metric that says which trivial model is the best one."""
SLICES = ("painting", UNSEEN)

_CONTENT, _STYLE = "content_bytes", "style_bytes"
_UNCHANGED = "unchanged"


class PerceptualMean(MeanOutput):
    """The mean of an output that `custom_extractors` computes; `perceptual` is for them."""

    def __init__(self, name: str, perceptual: Mapping[str, Any]):
        super().__init__(name)
        self._perceptual = dict(perceptual)

    def get_config(self) -> dict[str, Any]:
        """What makes the same metric again."""
        return {**super().get_config(), "perceptual": self._perceptual}


def metric_configs(perceptual: PerceptualOptions) -> list[tfma.MetricConfig]:
    """The configurations of these metrics, measured with VGG19 of these weights, and of each pair's own values.

    Those are the values of a model's picture, and (`unchanged`) of the photo itself.
    """
    config = perceptual.model_dump(mode="json")
    return [
        outcomes(METRICS),
        outcomes(METRICS, name=_UNCHANGED, prefix=f"{_UNCHANGED}/"),
        *(
            tfma.MetricConfig(
                class_name=PerceptualMean.__name__,
                module=__name__,
                config=json.dumps({"name": name, "perceptual": config}),
            )
            for name in METRICS
        ),
    ]


def custom_extractors(
    eval_shared_model: Any, eval_config: tfma.EvalConfig, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """TFMA's extractors with ours after the predictions; called by TFX's Evaluator."""
    found = []
    for extractor in tfma.default_extractors(
        eval_shared_model=eval_shared_model, eval_config=eval_config, tensor_adapter_config=tensor_adapter_config
    ):
        found.append(extractor)
        if extractor.stage_name == predictions_extractor.PREDICTIONS_EXTRACTOR_STAGE_NAME:
            weights = perceptual_options(eval_config).weights
            models = model_util.verify_and_update_eval_shared_models(eval_shared_model) or []
            paths = {model.model_name: model.model_path for model in models}
            found.append(tfma.extractors.Extractor("ExtractDistances", _Measure(weights, paths)))
    return found


def trivials(evaluation: Evaluation) -> list[Trivial]:
    """The models that a style network has to beat: colour transfer, which was evaluated, and the photo as it is."""
    found = [Trivial("colour transfer", evaluation.measured[CANDIDATE], evaluation.outcomes())]
    unchanged = evaluation.outcomes(name=_UNCHANGED)
    if unchanged is not None and len(unchanged):
        means = {name: float(unchanged[name].mean(dtype=float)) for name in METRICS}
        found.append(Trivial("the unchanged photo", means, unchanged, blind=True))
    return found


def slices(evaluation: Evaluation) -> dict[str, Any]:
    """No slices but those that TFMA measured."""
    return {}


def perceptual_options(eval_config: tfma.EvalConfig) -> PerceptualOptions:
    """What `metric_configs` put into the configuration.

    Raises:
        ValueError: the configuration has none of those metrics.
    """
    for spec in eval_config.metrics_specs:
        for metric in spec.metrics:
            if metric.class_name == PerceptualMean.__name__:
                return PerceptualOptions.model_validate(json.loads(metric.config)["perceptual"])
    raise ValueError(f"no {PerceptualMean.__name__} in the evaluation's configuration: use metric_configs()")


class _Measure(beam.PTransform):
    def __init__(self, weights: str, paths: Mapping[str, str]):
        super().__init__()
        self._weights, self._paths = weights, paths

    def expand(self, extracts: beam.PCollection) -> beam.PCollection:
        return extracts | beam.ParDo(_MeasureFn(self._weights, self._paths))


class _MeasureFn(beam.DoFn):
    def __init__(self, weights: str, paths: Mapping[str, str]):
        self._weights, self._paths = weights, dict(paths)
        self._judge, self._models = None, {}

    def setup(self) -> None:
        self._judge = Judge(self._weights)
        self._models = {name: tf.saved_model.load(path) for name, path in self._paths.items()}

    def process(self, extracts: Mapping[str, Any]) -> list[dict[str, Any]]:
        features = extracts[tfma.FEATURES_KEY]
        contents, styles = (np.ravel(features[name]) for name in (_CONTENT, _STYLE))
        known = self._known(contents, styles)
        predictions = extracts[tfma.PREDICTIONS_KEY]
        if not isinstance(predictions, Mapping) or set(predictions) == {"stylized_bytes"}:
            measured = known | self._measured(contents, styles, predictions, next(iter(self._models.values())))
        else:
            measured = {
                model: known | self._measured(contents, styles, made, self._models[model])
                for model, made in predictions.items()
            }
        return [{**extracts, tfma.PREDICTIONS_KEY: measured}]

    def _known(self, contents: np.ndarray, styles: np.ndarray) -> dict[str, np.ndarray]:
        """What no model has a say in: `key` bytes [N], and the metrics of the photos themselves, float32 [N, 1]."""
        pairs = list(zip(contents, styles, strict=True))
        keys = [hashlib.sha256(content + style).hexdigest().encode() for content, style in pairs]
        rows = [self._judge.unchanged(*pair) for pair in pairs]
        return {"key": np.array(keys, object)} | _columns(rows, f"{_UNCHANGED}/")

    def _measured(self, contents: np.ndarray, styles: np.ndarray, made: Any, model: Any) -> dict[str, np.ndarray]:
        """One model's pictures (an array, or one by its output's name) -> metric -> float32 [N, 1]."""
        paint = model.signatures["serving_default"]
        painted = np.ravel(made["stylized_bytes"] if isinstance(made, Mapping) else made)
        rows = [
            {**self._judge.distances(*row), "flicker": flicker(paint, *row[:2])}
            for row in zip(contents, styles, painted, strict=True)
        ]
        return _columns(rows)


def _columns(rows: Sequence[Mapping[str, float]], prefix: str = "") -> dict[str, np.ndarray]:
    return {prefix + name: np.array([[row[name]] for row in rows], np.float32) for name in METRICS}
