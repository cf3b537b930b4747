"""Reading the records of a split, as ExampleGens and Transform write them."""

from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf


def read(folder: str | Path) -> Iterator[bytes]:
    """The records in a folder's gzip TFRecords, in the order of the files' names; none where there is no folder."""
    if files := sorted(str(path) for path in Path(folder).glob("*") if path.is_file()):
        yield from tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()


def examples(folder: str | Path) -> Iterator[tf.train.Example]:
    """The Examples among them, parsed."""
    return map(tf.train.Example.FromString, read(folder))
