"""Muon: momentum made orthogonal, for what is a matrix; Adam for the rest (Jordan et al. 2024).

Most of the style network's weights are matrices (1 x 1 convolutions and what is linear in the code). Adam moves them
along a few strong directions; with all singular values of a step alike the weak ones are learned as well. Keras' own
Muon leaves 1 x 1 convolutions to Adam, as they have four axes.
"""

import math
from typing import Any

import keras
import tensorflow as tf

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_EPSILON = 1e-7
_SMALLEST = 8


class Muon(keras.optimizers.Adam):
    """Adam, but a matrix moves by its orthogonalised Nesterov momentum.

    Args:
        learning_rate: Adam's, a number or a schedule.
        matrix_ratio: what a matrix' rate is of Adam's. A step moves every singular value of a square matrix by about
            the rate, and those of a wide one by more, so that each output moves alike.
        momentum: decay of the matrices' momentum.
        kernels: whether larger convolutions are matrices, too: of what each output is made of, [k * k * C, D].
        **kwargs: as for Adam.
    """

    def __init__(
        self, learning_rate: Any, matrix_ratio: float, momentum: float = 0.95, kernels: bool = False, **kwargs: Any
    ):
        super().__init__(learning_rate, **kwargs)
        self._matrix_ratio, self._momentum, self._kernels = matrix_ratio, momentum, kernels

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor) -> None:
        """Called by Keras for each variable."""
        if not is_matrix(variable, self._kernels):
            super().update_step(gradient, variable, learning_rate)
            return
        columns = variable.shape[-1]
        rows = math.prod(variable.shape[:-1])
        momentum = self._momentums[self._get_variable_index(variable)]
        self.assign(momentum, self._momentum * momentum + (1 - self._momentum) * gradient)
        ahead = self._momentum * momentum + (1 - self._momentum) * gradient
        step = orthogonalised(tf.reshape(ahead, [rows, columns])) * max(columns / rows, 1.0) ** 0.5
        self.assign_sub(variable, self._matrix_ratio * learning_rate * tf.reshape(step, variable.shape))


def is_matrix(variable: keras.Variable, kernels: bool = False) -> bool:
    """Whether it is one of [rows, columns] or [1, 1, rows, columns] that is worth it: both at least eight.

    With `kernels`, any [k, l, rows, columns] is.
    """
    shape = variable.shape
    flat = len(shape) == 2 or (len(shape) == 4 and (kernels or tuple(shape[:2]) == (1, 1)))
    return flat and min(shape[-2:]) >= _SMALLEST


def orthogonalised(matrix: tf.Tensor) -> tf.Tensor:
    """The matrix [M, N] with its singular values brought to about 1 (0.7 to 1.2); a matrix of zeros stays.

    Five Newton-Schulz iterations with the quintic polynomial of Jordan et al. (2024), whose slope at zero lifts small
    singular values fast.
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = tf.transpose(matrix) if tall else matrix
    x = x / (tf.norm(x) + _EPSILON)
    for _ in range(_ITERATIONS):
        square = tf.matmul(x, x, transpose_b=True)
        x = a * x + tf.matmul(b * square + c * tf.matmul(square, square), x)
    return tf.transpose(x) if tall else x
