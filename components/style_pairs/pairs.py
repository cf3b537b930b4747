"""Which photo is painted like which painting, as tf.Examples.

Features: `content_bytes` and `style_bytes` (PNG, reduced), `strength` (1.0), `photo` and `painting` (names),
`bucket/unseen` (1 for a painting that training does not see).
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

import tensorflow as tf

from components.artifacts import features
from trainer.evaluation.rules import UNSEEN
from trainer.images import decoding, encoding, resizing


class Image(NamedTuple):
    """An ingested image."""

    name: str
    key: str
    encoded: bytes
    held_out: bool


def image(example: tf.train.Example, held_out: bool) -> Image:
    """An ingested example as an image, named by its file without folder and extension."""
    values = example.features.feature
    filename, key, encoded = (
        values[name].bytes_list.value[0] for name in (features.FILENAME, features.SHA256, features.ENCODED)
    )
    return Image(PurePosixPath(filename.decode()).stem, key.decode(), encoded, held_out)


def choose(found: Iterable[Image], count: int | None, seed: int) -> list[Image]:
    """`count` of the images (all for None) by a hash of seed and content, whatever their order; sorted by name."""
    ordered = sorted(found, key=lambda each: hashlib.sha256(f"{seed} {each.key}".encode()).digest())
    return sorted(ordered[:count], key=lambda each: (each.name, each.key))


def pairs(photos: list[Image], paintings: list[Image], side: int) -> Iterator[tf.train.Example]:
    """Every photo with every painting, paintings outermost; images reduced to a longest side of `side` pixels."""
    contents = [_reduced(photo.encoded, side) for photo in photos]
    for painting in paintings:
        style = _reduced(painting.encoded, side)
        for photo, content in zip(photos, contents, strict=True):
            yield tf.train.Example(
                features=tf.train.Features(
                    feature={
                        "content_bytes": _bytes(content),
                        "style_bytes": _bytes(style),
                        "photo": _bytes(photo.name.encode()),
                        "painting": _bytes(painting.name.encode()),
                        "strength": tf.train.Feature(float_list=tf.train.FloatList(value=[1.0])),
                        UNSEEN: tf.train.Feature(int64_list=tf.train.Int64List(value=[int(painting.held_out)])),
                    }
                )
            )


def _reduced(encoded: bytes, side: int) -> bytes:
    return encoding.encode_png(resizing.bound(decoding.decode(tf.constant(encoded)), side)).numpy()


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
