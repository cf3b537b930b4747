"""The SavedModels: what TensorFlow Serving loads, which takes files, and what TFLite conversion starts from."""

from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_transform as tft

from trainer import images
from trainer.classifier.preprocessing import ENCODED, IMAGE

Scorer = Callable[[tf.Tensor], tf.Tensor]
"""Pixels float32 [N, S, S, 3], 0..255 -> probabilities float32 [N, K]; a tf.Module, so that its variables are saved."""


class ServedClassifier(tf.Module):
    """The Transform graph and a scorer, with the signatures that TensorFlow Serving calls.

    Args:
      scorer: its K columns are `labels`.
      labels: class names.
      transform: the graph that training used.
      image_size: S, pixels.
    """

    def __init__(self, scorer: Scorer, labels: Sequence[str], transform: tft.TFTransformOutput, image_size: int):
        super().__init__(name="classifier")
        self._scorer = scorer
        self._labels = tf.constant(labels)
        self._image_size = image_size
        self._raw = transform.raw_feature_spec()[ENCODED]
        # A Keras 2 layer, which a Keras 3 model cannot hold; as an attribute here it is saved with what it needs.
        self._transform = transform.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Files (string [N]) -> `classes` string [N, K], `scores` float32 [N, K], `label` string [N]."""
        scores = self._scores(image_bytes)
        return {**self._named(scores), "label": tf.gather(self._labels, tf.argmax(scores, axis=1))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized Examples with `image/encoded` (string [N]) -> `classes` string [N, K], `scores` float32 [N, K]."""
        examples = tf.io.parse_example(inputs, {ENCODED: tf.io.FixedLenFeature([], tf.string)})
        return self._named(self._scores(examples[ENCODED]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def prepare(self, image_bytes: tf.Tensor) -> tf.Tensor:
        """Files (string [N]) -> the pixels that the network is given, uint8 [N, S, S, 3]."""
        if isinstance(self._raw, tf.io.VarLenFeature):
            column = tf.sparse.from_dense(image_bytes[:, tf.newaxis])
        else:
            column = tf.reshape(image_bytes, [-1, *self._raw.shape])
        side = self._image_size
        prepared = self._transform({ENCODED: column})[IMAGE]
        return tf.map_fn(lambda data: images.parse(data, side, side), prepared, fn_output_signature=tf.uint8)

    def _scores(self, image_bytes: tf.Tensor) -> tf.Tensor:
        return self._scorer(tf.cast(self.prepare(image_bytes), tf.float32))

    def _named(self, scores: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"classes": tf.tile(self._labels[tf.newaxis], [tf.shape(scores)[0], 1]), "scores": scores}


def save_served(module: ServedClassifier, folder: str) -> None:
    """Writes the SavedModel with the signatures `serving_default` and `classify`."""
    tf.saved_model.save(module, folder, {"serving_default": module.serve, "classify": module.classify})


def save_for_tflite(scorer: Scorer, image_size: int, folder: str) -> None:
    """Writes a SavedModel: `serving_default` takes `image` float32 [1, S, S, 3], 0..255, and gives `scores` [1, K]."""
    module = tf.Module()
    module.scorer = scorer

    @tf.function(input_signature=[tf.TensorSpec([1, image_size, image_size, 3], tf.float32, name="image")])
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": scorer(image)}

    tf.saved_model.save(module, folder, {"serving_default": serve})
