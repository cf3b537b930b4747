"""The classifier's part of the Transform graph, which is also the first part of the served model."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from trainer.classifier import options
from trainer.images import decoding, encoding, resizing

ENCODED, CLASS_TEXT = "image/encoded", "image/class/text"
IMAGE, LABEL = "image", "label"
VOCABULARY = "labels"


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Decodes, turns upright and resizes each photo; numbers the classes.

    Args:
        inputs: `image/encoded` and `image/class/text`, a string per row (dense or sparse, as the schema has it).
        custom_config: with `options`, see `trainer.classifier.options`.

    Returns:
        `image`: string [N], uint8 [S, S, 3] serialized by `trainer.images.encoding.serialize`;
        `label`: int64 [N], index into the vocabulary `labels`, -1 for a class that the training data does not have.
    """
    chosen = options.from_config(custom_config)

    def prepare(data: tf.Tensor) -> tf.Tensor:
        image = decoding.decode(data)
        return encoding.serialize(resizing.resize(image, chosen.image_size, chosen.image_size, chosen.image.aspect))

    return {
        # Row by row: a batch of 1,000 decoded photos would not fit in memory, and they differ in size.
        IMAGE: tf.map_fn(prepare, _one_per_row(inputs[ENCODED]), fn_output_signature=tf.string),
        LABEL: tft.compute_and_apply_vocabulary(_one_per_row(inputs[CLASS_TEXT]), vocab_filename=VOCABULARY),
    }


def _one_per_row(values: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    dense = tf.sparse.to_dense(values) if isinstance(values, tf.SparseTensor) else values
    return tf.reshape(dense, [-1])
