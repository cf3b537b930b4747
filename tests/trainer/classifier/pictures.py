"""Tiny pictures whose classes differ by shape, not by colour, and the examples that hold them."""

import io

import cv2
import numpy as np
import tensorflow as tf
from PIL import Image

SIZE = 32
CLASSES = ("bars", "rings", "dots")
OPTIONS = {
    "backbone": {"name": "small_cnn", "weights": "none"},
    "image": {"size": SIZE},
    "train": {"batch_size": 16, "validation": 0.2, "scratch": {"epochs": 12}, "augment": {"rotation": 0.0}},
}
ORIENTATION = 0x0112  # the EXIF tag


def picture(name: str, rng: np.random.Generator) -> np.ndarray:
    """uint8 [36, 48, 3]: a bright shape at a random place on a dark ground, in random colours."""
    image = np.full((36, 48, 3), rng.integers(0, 80, 3), np.uint8)
    colour = [int(level) for level in rng.integers(150, 256, 3)]
    x, y = int(rng.integers(14, 34)), int(rng.integers(14, 22))
    if name == "bars":
        for offset in (-9, -3, 3, 9):
            cv2.rectangle(image, (x + offset, y - 12), (x + offset + 2, y + 12), colour, -1)
    elif name == "rings":
        cv2.circle(image, (x, y), 11, colour, 4)
    else:
        cv2.circle(image, (x, y), 6, colour, -1)
    return image


def jpeg(image: np.ndarray, orientation: int = 1) -> bytes:
    """The picture as a camera stores it that was held with this EXIF orientation."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


def rows(count: int, seed: int) -> list[dict[str, bytes]]:
    """Raw examples, the classes in turn."""
    rng = np.random.default_rng(seed)
    names = [CLASSES[i % len(CLASSES)] for i in range(count)]
    return [
        {"image/encoded": jpeg(picture(name, rng), 1 + i % 8), "image/class/text": name.encode()}
        for i, name in enumerate(names)
    ]


def example(**features: bytes | int) -> bytes:
    """A serialized Example with one value per feature."""

    def feature(value: bytes | int) -> tf.train.Feature:
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    found = {name: feature(value) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=found)).SerializeToString()


class TableModel(tf.Module):
    """A classifier whose scores are looked up by the example's number."""

    def __init__(self, labels, table):
        super().__init__()
        self.labels, self.table = tf.constant(labels), tf.constant(table, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def classify(self, inputs):
        row = tf.io.parse_example(inputs, {"row": tf.io.FixedLenFeature([], tf.int64)})["row"]
        return {"classes": tf.tile(self.labels[None], [tf.size(row), 1]), "scores": tf.gather(self.table, row)}
