"""Reading transformed examples: which photo is held out for validation, and streams of pixels and labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from trainer.classifier.input.preprocessing import IMAGE, LABEL
from trainer.images import encoding

# Up to this size pixels are kept in memory between epochs instead of being unpacked again.
_CACHE_BYTES = 2**30
_SHUFFLE_BUFFER = 2048


@dataclass(frozen=True)
class Photos:
    """Transformed photos on disk, in the order of the files, and which of them are held out.

    Attributes:
        records: dataset of (serialized image, label).
        labels: int64 [N].
        held_out: bool [N], the validation part.
        image_size: S, pixels.
    """

    records: tf.data.Dataset
    labels: np.ndarray
    held_out: np.ndarray
    image_size: int

    def part(self, held_out: bool) -> tf.data.Dataset:
        """(uint8 [S, S, 3], int64 label) of the training or the validation part, in the order of the files."""
        chosen = tf.constant(self.held_out == held_out)
        count = int(np.count_nonzero(self.held_out == held_out))
        pixels = (
            self.records.enumerate()
            .filter(lambda position, _: chosen[position])
            .map(lambda _, row: (encoding.parse(row[0], self.image_size, self.image_size), row[1]), tf.data.AUTOTUNE)
        )
        pixels = pixels.cache() if count * self.image_size**2 * 3 <= _CACHE_BYTES else pixels
        return pixels.apply(tf.data.experimental.assert_cardinality(count))

    def part_labels(self, held_out: bool) -> np.ndarray:
        """The labels (int64) of what `part` yields."""
        return self.labels[self.held_out == held_out]


def read(patterns: Sequence[str], image_size: int, validation: float, seed: int) -> Photos:
    """The photos in gzip TFRecords that Transform wrote.

    `patterns` are globs of files, `validation` is the fraction to hold out; another seed holds out others.
    """
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    spec = {IMAGE: tf.io.FixedLenFeature([], tf.string), LABEL: tf.io.FixedLenFeature([], tf.int64)}

    def parse(example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        row = tf.io.parse_single_example(example, spec)
        return row[IMAGE], row[LABEL]

    records = tf.data.TFRecordDataset(files, "GZIP").map(parse, tf.data.AUTOTUNE)
    hashed = records.map(lambda image, label: (tf.strings.to_hash_bucket_strong(image, 2**62, [seed, 1]), label))
    rows = np.array(list(hashed.as_numpy_iterator()), np.int64).reshape(-1, 2)
    return Photos(records, rows[:, 1], held_out(rows[:, 0], rows[:, 1], validation), image_size)


def held_out(hashes: np.ndarray, labels: np.ndarray, fraction: float) -> np.ndarray:
    """Which photos to hold out: of each class the `fraction` (rounded) with the smallest hashes, never a whole class.

    A photo's hash does not depend on the order of the files, which Beam does not promise. Hashes and labels are int64
    [N].

    Returns:
        bool [N].
    """
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = min(round(fraction * len(members)), len(members) - 1)
        chosen[members[np.argsort(hashes[members], kind="stable")[:count]]] = True
    return chosen


def shuffled(pixels: tf.data.Dataset, seed: int) -> tf.data.Dataset:
    """`pixels` in another order in every epoch."""
    return pixels.shuffle(min(len(pixels), _SHUFFLE_BUFFER), seed=seed)
