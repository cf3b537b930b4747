"""How the network learns: from pairs of a luminance and its bicubic reduction, by Charbonnier's loss."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from trainer.superresolution.network import REACH, Enlarger
from trainer.training.learned import Learned

_EDGE = 1.0
"""Errors smaller than this, in levels, count by their square, larger ones by their size (Charbonnier et al. 1994)."""
_AVERAGE = 0.999


class Learner:
    """A network as it learns.

    Args:
        factor: by which it enlarges.
        weights: to begin with, see `network.initial`.
        optimizer: steps with it.
        dtype: to compute in.
    """

    def __init__(
        self, factor: int, weights: Mapping[str, np.ndarray], optimizer: keras.optimizers.Optimizer, dtype: str
    ):
        self.learned = Learned(weights, optimizer, _AVERAGE)
        self._factor, self._network = factor, Enlarger(factor, self.learned.values, dtype)

    def fit(self, small: np.ndarray, large: np.ndarray) -> float:
        """Makes one step.

        Args:
            small: luminances [N, H, W], 0..255.
            large: what they were reduced from, [N, factor * H, factor * W].

        Returns:
            The loss, in levels.
        """
        return float(self._fit(*(tf.cast(each[..., np.newaxis], tf.float32) for each in (small, large))))

    @tf.function(reduce_retracing=True)
    def _fit(self, small: tf.Tensor, large: tf.Tensor) -> tf.Tensor:
        margin = REACH * self._factor
        with tf.GradientTape() as tape:
            difference = self._network(small) - large[:, margin:-margin, margin:-margin]
            loss = tf.reduce_mean(tf.sqrt(tf.square(difference) + _EDGE**2)) - _EDGE
        self.learned.step(tape.gradient(loss, list(self.learned.values.values())))
        return loss
