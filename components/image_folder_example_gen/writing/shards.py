"""Writing Examples as gzip TFRecord files."""

import functools
import os
from collections.abc import Iterable, Iterator

import tensorflow as tf

from components.image_folder_example_gen.inspection import inspection, threads
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import remote
from components.image_folder_example_gen.vocabulary.files import Picture, Refusal
from components.image_folder_example_gen.vocabulary.reasons import Unusable
from components.image_folder_example_gen.writing import examples

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
) -> list[Picture | Refusal]:
    """Writes one shard; what was written and what could not be.

    The records are in order of their digests: a shuffle that is the same every time. The file appears under its name by
    one rename from `unfinished`, because Beam may run this twice. Images do not compress: gzip is only the container
    (level 0), which TFX wants. Until it is whole, the file is `unfinished`. Images that take time are left to the
    threads of `pool`, which must not be those that run this function.
    """
    ordered = sorted(pictures, key=lambda picture: picture.sha256)
    outcomes = []
    with open_writer(unfinished) as writer:
        for picture, result in zip(ordered, _serialized(ordered, options, pool), strict=True):
            if isinstance(result, Refusal):
                outcomes.append(result)
            else:
                writer.write(result)
                outcomes.append(picture)
    tf.io.gfile.rename(unfinished, destination, overwrite=True)
    return outcomes


def open_writer(destination: str) -> tf.io.TFRecordWriter:
    """A writer of gzip TFRecords that does not try to compress."""
    return tf.io.TFRecordWriter(destination, tf.io.TFRecordOptions("GZIP", compression_level=0))


def _serialized(ordered: list[Picture], options: IngestOptions, pool: threads.Pool) -> Iterator[bytes | Refusal]:
    """The Examples. Local files that keep their bytes are only copied: handing that to a thread would cost more."""
    work = functools.partial(_serialize, options=options)
    slow = (picture for picture in ordered if not _is_quick(picture))
    results = threads.ordered(pool, work, slow, seconds=options.max_seconds, late=_too_slow)
    for picture in ordered:
        yield work(picture) if _is_quick(picture) else next(results)


def _is_quick(picture: Picture) -> bool:
    return picture.untouched and not remote.is_remote(picture.source.path)


def _serialize(picture: Picture, options: IngestOptions) -> bytes | Refusal:
    try:
        return examples.serialize(picture, options)
    except Unusable as problem:
        return inspection.refuse(picture.source, problem)


def _too_slow(picture: Picture) -> Refusal:
    return inspection.too_slow(picture.source)
