"""The style lane's Transform graph: square pixels of photos and paintings, and the paintings' names."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from trainer.images import decoding, encoding, resizing
from trainer.style import options

ENCODED, FILENAME = "image/encoded", "image/filename"
IMAGE, NAME = "image", "name"


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Decodes, turns upright and cuts the central square of each image; names it.

    Args:
        inputs: `image/encoded` and `image/filename`, a string per row (dense or sparse, as the schema has it).
        custom_config: with `options`, see `trainer.style.options`.

    Returns:
        `image`: string [N], uint8 [S, S, 3] serialized by `trainer.images.encoding.serialize`, S is `image.train_side`;
        `name`: string [N], the file's name without folder and extension.
    """
    # Reduced bilinearly, a painting is .013 in style distance from itself; a trained network leaves three times that.
    side = options.from_config(custom_config).image.train_side

    def prepare(data: tf.Tensor) -> tf.Tensor:
        return encoding.serialize(resizing.resize(decoding.decode(data), side, side, "crop", "lanczos3"))

    return {
        # Row by row: a batch of 1,000 decoded photos would not fit in memory, and they differ in size.
        IMAGE: tf.map_fn(prepare, _one_per_row(inputs[ENCODED]), fn_output_signature=tf.string),
        NAME: stem(_one_per_row(inputs[FILENAME])),
    }


def stem(filename: tf.Tensor) -> tf.Tensor:
    """File names (string, any shape) without folder and extension."""
    return tf.strings.regex_replace(tf.strings.regex_replace(filename, r"^.*/", ""), r"(.)\.[^.]*$", r"\1")


def _one_per_row(values: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    dense = tf.sparse.to_dense(values) if isinstance(values, tf.SparseTensor) else values
    return tf.reshape(dense, [-1])
