"""Pixels as bytes: of a file, or of what Transform hands to training."""

import tensorflow as tf


def to_uint8(image: tf.Tensor) -> tf.Tensor:
    """Rounds float values and clips them to 0..255; any shape."""
    return tf.cast(tf.clip_by_value(tf.math.rint(tf.cast(image, tf.float32)), 0.0, 255.0), tf.uint8)


def encode_jpeg(image: tf.Tensor, quality: int = 95) -> tf.Tensor:
    """Encodes uint8 [H, W, 3] as a JPEG without chroma subsampling; string scalar."""
    return tf.io.encode_jpeg(image, format="rgb", quality=quality, chroma_downsampling=False, optimize_size=True)


def encode_png(image: tf.Tensor) -> tf.Tensor:
    """Encodes uint8 [H, W, 3] as a PNG; string scalar."""
    return tf.io.encode_png(image)


def serialize(image: tf.Tensor) -> tf.Tensor:
    """uint8 [H, W, 3] -> string scalar: Transform outputs strings, and pixels as float or int64 are 4-8x larger."""
    return tf.io.serialize_tensor(image)


def parse(data: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """The inverse of `serialize`: string scalar -> uint8 [height, width, 3]."""
    return tf.ensure_shape(tf.io.parse_tensor(data, tf.uint8), [height, width, 3])
