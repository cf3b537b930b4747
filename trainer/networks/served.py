"""Keras networks inside of what TensorFlow Serving loads."""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from easel_serving.protocol.plain_paths import plain

from trainer.networks.folding import folded


class Network(tf.Module):
    """A Keras model whose weights are saved as TensorFlow's own variables.

    A SavedModel that holds Keras 3's variables restores copies of them, while its functions read the originals, which
    nobody fills: TensorFlow Serving, as every session, then fails with "Could not find variable" (tensorflow#72963,
    keras#20095), though `tf.saved_model.load` does not.

    What runs is `folding.folded(model)`. The weights that are folded are saved beside those they are made of,
    with which a retraining starts.
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


def fits(saved_model: Path, prefix: str, model: keras.Model) -> bool:
    """Whether a `Network` in a SavedModel has weights of a model's shapes; arguments as of `restore`."""
    return _keys(_checkpoint(saved_model), prefix, model) is not None


def restore(saved_model: Path, prefix: str, model: keras.Model) -> bool:
    """Gives a model the weights that a `Network` in a SavedModel has.

    `prefix` are the attributes that lead from the saved object to the `Network`, such as `_scorer/_model`; the model is
    built.

    Returns:
        False when that is another network: nothing was changed then.
    """
    saved = _checkpoint(saved_model)
    keys = _keys(saved, prefix, model)
    if keys is None:
        return False
    for weight, key in zip(model.weights, keys, strict=True):
        weight.assign(saved.get_tensor(key))
    return True


def _checkpoint(saved_model: Path) -> Any:
    return tf.train.load_checkpoint(plain(saved_model / "variables/variables"))


def _keys(saved: Any, prefix: str, model: keras.Model) -> list[str] | None:
    """Where a model's weights are, in its order; None when they are another network's."""
    shapes, weights = saved.get_variable_to_shape_map(), f"{prefix}/_weights/"
    keys = [f"{weights}{number}/.ATTRIBUTES/VARIABLE_VALUE" for number in range(len(model.weights))]
    if sum(key.startswith(weights) for key in shapes) != len(keys):
        return None
    same = [shapes.get(key) for key in keys] == [list(weight.shape) for weight in model.weights]
    return keys if same else None
