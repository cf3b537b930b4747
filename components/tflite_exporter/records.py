"""Serialized tf.Examples of a split, a bounded number of them, spread evenly over the split."""

from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf


def spread(folder: str | Path, limit: int | None) -> Iterator[bytes]:
    """Yields at most `limit` records of the gzip TFRecord files in `folder`, evenly spaced; all of them for None.

    Neighbours in a split are alike (one class, one painting): the first `limit` would show a part of it only.
    """
    files = sorted(str(path) for path in Path(folder).iterdir())
    wanted = None if limit is None else _evenly(_count(files), limit)
    for index, record in enumerate(_records(files)):
        if wanted is None or index in wanted:
            yield record


def _evenly(count: int, limit: int) -> set[int]:
    limit = min(count, limit)
    return {index * count // limit for index in range(limit)}


def _count(files: list[str]) -> int:
    return sum(1 for _ in _records(files))


def _records(files: list[str]) -> Iterator[bytes]:
    yield from tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
