"""How the style lane is evaluated: VGG19 looks at what `serving_default` returned for (photo, painting) pairs.

An extractor, put after TFMA's own predictions, replaces each model's picture by a few numbers, which small metrics
average. TFX gives the extractor nothing but the evaluation's configuration, so the perceptual network's weights travel
in the configuration of each metric.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apache_beam as beam
import cv2
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import predictions_extractor
from tensorflow_model_analysis.utils import model_util

from trainer.evaluation.evaluator import CANDIDATE, Evaluation
from trainer.evaluation.metrics import MeanOutput, outcomes
from trainer.evaluation.rules import UNSEEN, Direction
from trainer.evaluation.trivial import Trivial
from trainer.images import decoding, encoding, resizing
from trainer.style.options import PerceptualOptions
from trainer.style.perceptual import losses
from trainer.style.perceptual.network import CONTENT_LAYER, Perceptual

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
_REMEMBERED = 64
_QUANTILES = 256
_FLICKER_SIDE = 160


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
    """The models that a style network has to beat: colour transfer, which was evaluated, and the photo as it is.

    Args:
        evaluation: of colour transfer.
    """
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


class Judge:
    """Measures pictures; remembers what it has computed for photos and paintings, which come back in many pairs.

    Args:
        weights: of VGG19, as in `trainer.networks.backbones.build`.
    """

    def __init__(self, weights: str):
        self._perceptual = Perceptual(weights, "zero")
        self._features = tf.function(self._perceptual, reduce_retracing=True)
        self._known: dict[tuple[str, bytes], Any] = {}

    def distances(self, content: bytes, style: bytes, painted: bytes) -> dict[str, float]:
        """`METRICS` of one picture, but for `flicker`; files as bytes.

        A picture of another size than the photo is measured beside the photo resized.
        """
        picture = decoding.decode(tf.constant(painted))
        height, width = picture.shape[:2]
        photo = resizing.resize(decoding.decode(tf.constant(content)), height, width)
        found = self._features(_batch(picture))
        key = f"{height}x{width}"
        target = self._remember(key, content, lambda: self._features(_batch(photo))[CONTENT_LAYER])
        wanted = self._remember(
            "style", style, lambda: losses.moments(self._features(_batch(decoding.decode(tf.constant(style)))))
        )
        return {
            "content_distance": float(losses.content_distance(found[CONTENT_LAYER], target)[0]),
            "style_distance": float(losses.style_distance(losses.moments(found), wanted)[0]),
            "ssim": _ssim(photo, picture),
            "colour_distance": colour_distance(picture.numpy(), decoding.decode(tf.constant(style)).numpy()),
        }

    def unchanged(self, content: bytes, style: bytes) -> dict[str, float]:
        """`METRICS` of the photo itself, as if it were the picture; files as bytes."""
        photo, painting = (decoding.decode(tf.constant(data)) for data in (content, style))
        own = self._remember("photo", content, lambda: losses.moments(self._features(_batch(photo))))
        wanted = self._remember("style", style, lambda: losses.moments(self._features(_batch(painting))))
        return {
            "content_distance": 0.0,
            "style_distance": float(losses.style_distance(own, wanted)[0]),
            "ssim": 1.0,
            "colour_distance": colour_distance(photo.numpy(), painting.numpy()),
            "flicker": 0.0,
        }

    def _remember(self, kind: str, data: bytes, compute: Any) -> Any:
        key = kind, hashlib.sha256(data).digest()
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = compute()
        return self._known[key]


def colour_distance(picture: np.ndarray, painting: np.ndarray) -> float:
    """How far apart two images' colours are, wherever in the images they are; both uint8 [H, W, 3].

    The mean over the channels of CIE L*a*b* (8 bits each) of the Wasserstein distance between their distributions, in
    levels of 255.
    """
    shares = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    found = [
        np.quantile(cv2.cvtColor(image, cv2.COLOR_RGB2LAB).reshape(-1, 3), shares, axis=0)
        for image in (picture, painting)
    ]
    return float(np.abs(found[0] - found[1]).mean())


def flicker(paint: Callable[..., Mapping[str, tf.Tensor]], content: bytes, style: bytes) -> float:
    """How much a picture changes when its photo moves by a pixel: what a film would flicker by.

    The middle of the photo is cut out twice, a pixel apart; the mean absolute difference of the two pictures where they
    show the same, in levels of 255. A border of 16 pixels is left out, where each shows something else.

    Args:
        paint: `serving_default` of a style network.
        content: the photo's file.
        style: the painting's file.
    """
    photo = decoding.decode(tf.constant(content))
    side = max(4, min(min(photo.shape[:2]) - 1, _FLICKER_SIDE) // 4 * 4)
    top, left = ((size - side) // 2 for size in photo.shape[:2])
    crops = [photo[top : top + side, start : start + side] for start in (left, left + 1)]
    painted = paint(
        content_bytes=tf.stack([encoding.encode_png(crop) for crop in crops]),
        style_bytes=tf.constant([style, style]),
        strength=tf.ones([2]),
    )["stylized_bytes"]
    first, second = (tf.cast(decoding.decode(data), tf.float32).numpy() for data in painted)
    border = min(16, side // 4)
    difference = np.abs(first[:, 1:] - second[:, : first.shape[1] - 1])
    return float(difference[border:-border, border:-border].mean())


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


def _batch(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(image, tf.float32)[tf.newaxis]


def _ssim(photo: tf.Tensor, picture: tf.Tensor) -> float:
    """SSIM of the luminances (Wang et al. 2004); both uint8 [H, W, 3]; NaN where the 11 pixel window does not fit."""
    if min(photo.shape[:2]) < 11:
        return float("nan")
    grey: Sequence[tf.Tensor] = [tf.image.rgb_to_grayscale(image[tf.newaxis]) for image in (photo, picture)]
    return float(tf.image.ssim(*grey, 255)[0])
