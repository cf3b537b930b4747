"""Writing Examples as gzip TFRecord files."""

import functools
import os
from collections.abc import Iterable, Iterator

import tensorflow as tf

from components.image_folder_example_gen import examples, inspection, threads
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.reasons import Unusable
from components.image_folder_example_gen.records import Picture, Refusal

SHARD_BYTES = 64 * 1024 * 1024
"""About how much goes into one file."""


def count(total_bytes: int) -> int:
    """How many files hold `total_bytes` of images."""
    return max(1, -(-total_bytes // SHARD_BYTES))


def path(split_folder: str, shard: int, shards: int) -> str:
    """The name of a shard, as TFX's own ExampleGens spell it."""
    return os.path.join(split_folder, f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz")


def write(
    pictures: Iterable[Picture], destination: str, unfinished: str, options: IngestOptions, pool: threads.Pool
) -> Iterator[Picture | Refusal]:
    """Writes one shard and yields what was written and what could not be.

    The records are in order of their digests: a shuffle that is the same every time. The file appears under its name by
    one rename from `unfinished`, because Beam may run this twice. Images do not compress: gzip is only the container
    (level 0), which TFX wants.
    """
    ordered = sorted(pictures, key=lambda picture: picture.sha256)
    outcomes = []
    with open_writer(unfinished) as writer:
        work = functools.partial(_serialize, options=options)
        results = threads.ordered(pool, work, ordered, seconds=options.max_seconds, late=_too_slow)
        for picture, result in zip(ordered, results, strict=True):
            if isinstance(result, Refusal):
                outcomes.append(result)
            else:
                writer.write(result)
                outcomes.append(picture)
    tf.io.gfile.rename(unfinished, destination, overwrite=True)
    yield from outcomes


def open_writer(destination: str) -> tf.io.TFRecordWriter:
    """A writer of gzip TFRecords that does not try to compress."""
    return tf.io.TFRecordWriter(destination, tf.io.TFRecordOptions("GZIP", compression_level=0))


def _serialize(picture: Picture, options: IngestOptions) -> bytes | Refusal:
    try:
        return examples.serialize(picture, options)
    except Unusable as problem:
        return inspection.refuse(picture.source, problem)


def _too_slow(picture: Picture) -> Refusal:
    return inspection.too_slow(picture.source)
