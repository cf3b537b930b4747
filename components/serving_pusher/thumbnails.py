"""Small pictures of the paintings and of a few photos of each class, for the web page: what a name looks like."""

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import tensorflow as tf
from easel_serving.images import prepare as images
from easel_serving.registry.directory import INDEX, PICTURES
from PIL import Image

PER_CLASS = 3
SIDE = 256
"""Longest side in pixels."""

ENCODED, CLASS_TEXT, FILENAME = "image/encoded", "image/class/text", "image/filename"


def write(
    folder: Path,
    description: Mapping[str, Any],
    photos: Iterable[tf.train.Example],
    paintings: Iterable[tf.train.Example],
) -> None:
    """Writes `pictures/*.jpg` and `pictures/index.json`, `{class or painting: [file, ...]}`; nothing without any.

    `description` is the model's `model.json`. A classifier shows the first `PER_CLASS` ingested photos of each class, a
    style network its paintings.
    """
    index: dict[str, list[str]] = {}
    if "labels" in description:
        chosen = _by_name(photos, CLASS_TEXT, PER_CLASS, description["labels"])
    else:
        chosen = _by_name(paintings, FILENAME, 1, [style["name"] for style in description.get("styles", [])])
    for name, encoded in chosen.items():
        for data in encoded:
            # Numbered, not named: a class may be called anything.
            file = f"{sum(map(len, index.values())):04d}.jpg"
            (folder / PICTURES).mkdir(exist_ok=True)
            (folder / PICTURES / file).write_bytes(_small(data))
            index.setdefault(name, []).append(file)
    if index:
        (folder / PICTURES / INDEX).write_text(json.dumps(index, indent=1))


def _by_name(
    examples: Iterable[tf.train.Example], feature: str, count: int, names: Iterable[str]
) -> dict[str, list[bytes]]:
    """The first `count` images of each name; stops reading once all are found."""
    found: dict[str, list[bytes]] = {name: [] for name in names}
    missing = count * len(found)
    for example in examples:
        text = example.features.feature[feature].bytes_list.value[0].decode()
        images = found.get(PurePosixPath(text).stem if feature == FILENAME else text)
        if images is not None and len(images) < count:
            images.append(example.features.feature[ENCODED].bytes_list.value[0])
            missing -= 1
            if not missing:
                break
    return found


def _small(encoded: bytes) -> bytes:
    image = Image.fromarray(images.pixels(encoded))
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
