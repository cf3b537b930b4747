"""Keras networks inside of what TensorFlow Serving loads."""

from typing import Any

import keras
import tensorflow as tf

from trainer.folding import folded


class Network(tf.Module):
    """A Keras model whose weights are saved as TensorFlow's own variables.

    A SavedModel that holds Keras 3's variables restores copies of them, while its functions read the originals, which
    nobody fills: TensorFlow Serving, as every session, then fails with "Could not find variable" (tensorflow#72963,
    keras#20095), though `tf.saved_model.load` does not.

    What runs is `trainer.folding.folded(model)`. The weights that are folded are saved beside those they are made of,
    with which a retraining starts.

    Args:
      model: built.
    """

    def __init__(self, model: keras.Model):
        super().__init__()
        fast, known = folded(model), {id(weight) for weight in model.weights}
        self._weights = [weight.value for weight in model.weights]
        self._folded = [weight.value for weight in fast.weights if id(weight) not in known]
        self._call = lambda inputs: fast(inputs, training=False)  # what a function closes over is not saved with it

    def __call__(self, inputs: Any) -> Any:
        """What the model makes of its inputs outside of training."""
        return self._call(inputs)


def weight_keys(prefix: str, count: int) -> list[str]:
    """The names of a `Network`'s weights in a SavedModel's checkpoint, in the order of the model's `weights`.

    Args:
      prefix: the attributes that lead from the saved object to the `Network`, such as `_scorer/_model`.
      count: of the weights.
    """
    return [f"{weights_of(prefix)}{number}/.ATTRIBUTES/VARIABLE_VALUE" for number in range(count)]


def weights_of(prefix: str) -> str:
    """What the names begin with of all weights of the model in a `Network` (see `weight_keys`)."""
    return f"{prefix}/_weights/"
