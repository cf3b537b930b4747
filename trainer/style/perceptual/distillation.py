"""Fitting the light network to VGG19: its features, their statistics, and the gradients that they are used for.

Matching derivatives with respect to the input is the Sobolev training of Czarnecki et al. (2017). Pictures are moved
along these gradients: a network that agrees with VGG19 on given pictures only is exploited by those it makes.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from trainer.style.perceptual import losses
from trainer.style.perceptual.light import Light, at_phases
from trainer.style.perceptual.vgg19 import CONTENT_LAYER, STYLE_LAYERS, VGG19, Features
from trainer.training.learned import Learned

SCALES = (1, 2, 4)
"""Gradients are compared pixel by pixel and in means over squares of so many pixels."""
_MOMENTS_WEIGHT, _GRADIENT_WEIGHT = 2.0, 0.5
_FEATURE_WEIGHTS = {CONTENT_LAYER: 3.0}
"""Where not 1: the content distance is measured place by place, so its features are to be right there, too."""
_AVERAGE = 0.99
_EPSILON = 1e-12
_FIRST_DECAY, _SECOND_DECAY = 0.9, 0.99


class Cases(NamedTuple):
    """Pictures, and what they are to become."""

    pictures: np.ndarray
    """uint8 [N, S, S, 3]."""
    photos: np.ndarray
    """What they are compared with in content; likewise."""
    paintings: np.ndarray
    """And in style; likewise."""
    weights: np.ndarray
    """Of content and style in the objective, float32 [N, 2]."""


class Labels(NamedTuple):
    """What VGG19 says of cases."""

    features: Mapping[str, np.ndarray]
    """Of the pictures, at the light network's positions (`at_phases`); float16 [N, h, w, C] by layer but the first."""
    moments: Mapping[str, tuple[np.ndarray, np.ndarray]]
    """Of the pictures, over all positions; see `losses.Moments`."""
    gradients: np.ndarray
    """Of the objective with respect to the pictures, each scaled to a mean square of 1; float16 [N, S, S, 3]."""


def objective(found: Features, content: tf.Tensor, style: losses.Moments, weights: tf.Tensor) -> tf.Tensor:
    """Content and style distance, weighted by float32 [N, 2] and added; float32 [N]."""
    distances = (
        losses.content_distance(found[CONTENT_LAYER], content),
        losses.style_distance(losses.moments(found), style),
    )
    return weights[:, 0] * distances[0] + weights[:, 1] * distances[1]


@tf.function(reduce_retracing=True)
def label(teacher: VGG19, pictures: tf.Tensor, photos: tf.Tensor, paintings: tf.Tensor, weights: tf.Tensor) -> Labels:
    """What VGG19 says of cases, which are given as float32 tensors."""
    content = teacher(photos, [CONTENT_LAYER])[CONTENT_LAYER]
    style = losses.moments(teacher(paintings))
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        found = teacher(pictures)
        value = tf.reduce_sum(objective(found, content, style, weights))
    features = {
        name: tf.cast(values if name == CONTENT_LAYER else at_phases(values), tf.float16)
        for name, values in found.items()
        if name != STYLE_LAYERS[0]
    }
    gradients = tf.cast(_scaled(tape.gradient(value, pictures)), tf.float16)
    return Labels(features, losses.moments(found), gradients)


class Student:
    """The light network as it learns; VGG19's first layer stays as it is.

    Args:
        weights: to begin with, see `light.initial`.
        optimizer: steps with it.
        dtype: to compute in.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], optimizer: keras.optimizers.Optimizer, dtype: str):
        self._fixed = {name: value for name, value in weights.items() if name.startswith(STYLE_LAYERS[0])}
        learned = {name: value for name, value in weights.items() if name not in self._fixed}
        self._learned = Learned(learned, optimizer, _AVERAGE)
        self.light = Light({**self._fixed, **self._learned.values}, "reflect", dtype)
        self.state, self.restore = self._learned.state, self._learned.restore

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Their moving averages, by name."""
        return self._fixed | self._learned.averages

    def fit(self, cases: Cases, labels: Labels) -> dict[str, float]:
        """Makes one step on a batch; errors by name, features' and gradients' relative to VGG19's."""
        batch = tf.nest.map_structure(lambda values: tf.cast(values, tf.float32), (cases, labels))
        return {name: float(value) for name, value in self._fit(*batch).items()}

    @tf.function(reduce_retracing=True)
    def _fit(self, cases: Cases, labels: Labels) -> dict[str, tf.Tensor]:
        content = self.light(cases.photos, [CONTENT_LAYER])[CONTENT_LAYER]
        style = losses.moments(self.light(cases.paintings))
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(cases.pictures)
                found = self.light(cases.pictures)
                value = tf.reduce_sum(objective(found, content, style, cases.weights))
            gradients = _scaled(inner.gradient(value, cases.pictures))
            features = {name: _error(found[name], wanted) for name, wanted in labels.features.items()}
            moments = tf.reduce_mean(losses.style_distance(losses.moments(found), labels.moments))
            slopes = {n: _error(_pooled(gradients, n), _pooled(labels.gradients, n)) for n in SCALES}
            weighted = [_FEATURE_WEIGHTS.get(name, 1.0) * error for name, error in features.items()]
            loss = tf.add_n(weighted) / len(features) + _MOMENTS_WEIGHT * moments
            loss += _GRADIENT_WEIGHT * tf.add_n(list(slopes.values())) / len(slopes)
        self._learned.step(outer.gradient(loss, list(self._learned.values.values())))
        return features | {"moments": moments} | {f"gradient/{n}": error for n, error in slopes.items()}


def optimised(network: Light, cases: Cases, steps: Sequence[int], rate: float) -> np.ndarray:
    """Pictures after so many steps of Adam each along a network's gradient: what it makes of them, and how it errs.

    Args:
        network: whose objective it is, with the total variation.
        cases: the pictures, and what they are to become.
        steps: for each picture.
        rate: Adam's, in levels.

    Returns:
        uint8 [N, S, S, 3].
    """
    photos, paintings = (tf.cast(images, tf.float32) for images in (cases.photos, cases.paintings))
    content, style = network(photos, [CONTENT_LAYER])[CONTENT_LAYER], losses.moments(network(paintings))
    pictures = tf.cast(cases.pictures, tf.float32)
    until = tf.reshape(tf.constant(steps, tf.float32), [-1, 1, 1, 1])
    mean, square = tf.zeros_like(pictures), tf.zeros_like(pictures)
    for step in range(1, max(steps) + 1):
        gradient = _slope(network, pictures, content, style, tf.constant(cases.weights))
        mean = _FIRST_DECAY * mean + (1 - _FIRST_DECAY) * gradient
        square = _SECOND_DECAY * square + (1 - _SECOND_DECAY) * tf.square(gradient)
        move = mean / (1 - _FIRST_DECAY**step) / (tf.sqrt(square / (1 - _SECOND_DECAY**step)) + _EPSILON)
        pictures = tf.clip_by_value(pictures - tf.where(step <= until, rate * move, 0.0), 0.0, 255.0)
    return np.rint(pictures.numpy()).astype(np.uint8)


@tf.function(reduce_retracing=True)
def _slope(
    network: Light, pictures: tf.Tensor, content: tf.Tensor, style: losses.Moments, weights: tf.Tensor
) -> tf.Tensor:
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        value = objective(network(pictures), content, style, weights) + losses.total_variation(pictures)
    return tape.gradient(value, pictures)


def _scaled(gradients: tf.Tensor) -> tf.Tensor:
    return gradients * tf.math.rsqrt(tf.reduce_mean(tf.square(gradients), (1, 2, 3), keepdims=True) + _EPSILON**2)


def _pooled(values: tf.Tensor, side: int) -> tf.Tensor:
    return tf.nn.avg_pool2d(values, side, side, "VALID") if side > 1 else values


def _error(found: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """The mean relative square error."""
    difference = tf.reduce_mean(tf.square(found - wanted), (1, 2, 3))
    return tf.reduce_mean(difference / (tf.reduce_mean(tf.square(wanted), (1, 2, 3)) + 1e-6))
