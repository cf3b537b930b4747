"""Serialized tf.Examples of a split, a bounded number of them, spread evenly over the split."""

from collections.abc import Iterator
from pathlib import Path

from components.artifacts import tfrecords


def spread(folder: str | Path, limit: int | None) -> Iterator[bytes]:
    """Yields at most `limit` records of the gzip TFRecord files in `folder`, evenly spaced; all of them for None.

    Neighbours in a split are alike (one class, one painting): the first `limit` would show a part of it only.
    """
    wanted = None if limit is None else _evenly(sum(1 for _ in tfrecords.read(folder)), limit)
    for index, record in enumerate(tfrecords.read(folder)):
        if wanted is None or index in wanted:
            yield record


def _evenly(count: int, limit: int) -> set[int]:
    limit = min(count, limit)
    return {index * count // limit for index in range(limit)}
