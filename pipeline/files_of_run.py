"""Reads the records and pictures that a run's artifacts hold."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps


def examples(split: Path) -> Iterator[tf.train.Example]:
    """The Examples in the gzip TFRecords of a split."""
    for path in sorted(split.glob("*")):
        for record in tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator():
            yield tf.train.Example.FromString(record)


def records(split: Path) -> Iterator[Mapping[str, tf.train.Feature]]:
    """The features of the Examples of a split, by name."""
    return (example.features.feature for example in examples(split))


def pixels(encoded: bytes) -> np.ndarray:
    """A picture's bytes -> uint8 [H, W, 3], RGB, upright."""
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(encoded))).convert("RGB"))
