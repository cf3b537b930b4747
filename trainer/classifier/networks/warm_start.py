"""A retraining that starts from the version that serves, also when classes came or went."""

from collections.abc import Sequence

import numpy as np

from trainer.base.errors import UserError
from trainer.classifier.networks import network
from trainer.classifier.networks.network import Network
from trainer.classifier.options import ClassifierOptions
from trainer.networks.served import restore
from trainer.training.champions import Champion

NETWORK = "_scorer/_model"
"""Where `ServedClassifier` has the `Network` that `training.Probabilities` is made of."""


def build(champion: Champion, options: ClassifierOptions, labels: Sequence[str]) -> Network:
    """A network for `labels` with the champion's weights; the head's columns of classes that it knows, by name.

    Raises:
        UserError: the champion is another network than `options` describe.
    """
    old = network.build(options, len(champion.labels), "none")
    if not restore(champion.saved_model, NETWORK, old.model):
        raise UserError(
            f"classifier.train.warm_start: the version that serves ({champion.saved_model}) is another network than "
            f"{options.backbone.name} with {options.train.head.levels} levels; set warm_start to false for this run"
        )
    fresh = network.build(options, len(labels), "none")
    fresh.features.set_weights(old.features.get_weights())
    fresh.head.set_weights(head_weights(old.head.get_weights(), champion.labels, fresh.head.get_weights(), labels))
    return fresh


def head_weights(
    old: Sequence[np.ndarray], old_labels: Sequence[str], fresh: Sequence[np.ndarray], labels: Sequence[str]
) -> list[np.ndarray]:
    """The last layer's kernel [C, K] and bias [K] for `labels`: old columns by name, fresh ones for new classes.

    The biases are shifted by their mean: a new class, whose bias is 0, then starts as likely as an average one.
    """
    kernel, bias = (np.array(weights) for weights in fresh)
    old_kernel, old_bias = old
    for column, label in enumerate(labels):
        if label in old_labels:
            place = list(old_labels).index(label)
            kernel[:, column], bias[column] = old_kernel[:, place], old_bias[place] - old_bias.mean()
    return [kernel, bias]
