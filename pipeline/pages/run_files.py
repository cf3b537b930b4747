"""Reads the records and pictures that a run's artifacts hold."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from easel_serving.images import prepare

from components.artifacts import tfrecords


def features(split: Path) -> Iterator[Mapping[str, tf.train.Feature]]:
    """The features of the Examples of a split, by name."""
    return (example.features.feature for example in tfrecords.examples(split))


def pixels(encoded: bytes) -> np.ndarray:
    """A picture's bytes -> uint8 [H, W, 3], RGB, upright."""
    return prepare.pixels(encoded)
