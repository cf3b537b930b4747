"""Weights by name while they are learned, and their moving averages, which are what is kept of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


class Learned:
    """Variables, their averages and their optimizer.

    Args:
        weights: to begin with, by name.
        optimizer: steps with them.
        average: the averages' decay; less in the first steps.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], optimizer: keras.optimizers.Optimizer, average: float):
        self._variables = [keras.Variable(value, name=name.replace("/", "_")) for name, value in weights.items()]
        self._names, self._optimizer, self._average = list(weights), optimizer, average
        self._averages = [tf.Variable(variable.value, trainable=False) for variable in self._variables]
        optimizer.build(self._variables)

    @property
    def values(self) -> dict[str, tf.Variable]:
        """The variables by name."""
        return {name: variable.value for name, variable in zip(self._names, self._variables, strict=True)}

    @property
    def averages(self) -> dict[str, np.ndarray]:
        """Their moving averages by name."""
        return {name: value.numpy() for name, value in zip(self._names, self._averages, strict=True)}

    @property
    def steps(self) -> int:
        """How many were made."""
        return int(self._optimizer.iterations)

    def state(self) -> dict[str, np.ndarray]:
        """All that `restore` needs to go on."""
        return {f"v{index}": variable.numpy() for index, variable in enumerate(self._all())}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Goes on from a `state`."""
        for index, variable in enumerate(self._all()):
            variable.assign(state[f"v{index}"])

    def step(self, gradients: Sequence[tf.Tensor]) -> None:
        """Makes a step along gradients, which are in the order of the weights; in graphs, too."""
        self._optimizer.apply(gradients, self._variables)
        done = tf.cast(self._optimizer.iterations, tf.float32)
        decay = tf.minimum(self._average, (1 + done) / (10 + done))
        for average, variable in zip(self._averages, self._variables, strict=True):
            average.assign(decay * average + (1 - decay) * variable.value)

    def _all(self) -> list[Any]:
        return [*self._variables, *self._averages, *self._optimizer.variables]
