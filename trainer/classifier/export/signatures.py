"""The SavedModels: what TensorFlow Serving loads, which takes files, and what TFLite conversion starts from."""

from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_transform as tft

from trainer.classifier.input.preprocessing import ENCODED, IMAGE
from trainer.images import encoding

Scorer = Callable[[tf.Tensor], tf.Tensor]
"""Pixels float32 [N, S, S, 3], 0..255 -> probabilities float32 [N, K]; a tf.Module, so that its variables are saved."""


# `autograph=False` below: there is no Python control flow to convert, and trying takes most of an export's time.


class ServedClassifier(tf.Module):
    """The Transform graph and a scorer, with the signatures that TensorFlow Serving calls.

    The scorer's K columns are `labels`; `transform` is the graph that training used.
    """

    def __init__(self, scorer: Scorer, labels: Sequence[str], transform: tft.TFTransformOutput, image_size: int):
        super().__init__(name="classifier")
        self._scorer = scorer
        self._labels = tf.constant(labels)
        self._image_size = image_size
        # TFT's own layer does the same but is a Keras 2 layer, and saving that takes 10x as long.
        self._transform = tf.saved_model.load(transform.transform_savedmodel_dir)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")], autograph=False)
    def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Files (string [N]) -> `classes` string [N, K], `scores` float32 [N, K], `label` string [N]."""
        scores = self._scores(image_bytes)
        return {**self._named(scores), "label": tf.gather(self._labels, tf.argmax(scores, axis=1))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")], autograph=False)
    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized Examples with `image/encoded` (string [N]) -> `classes` string [N, K], `scores` float32 [N, K]."""
        examples = tf.io.parse_example(inputs, {ENCODED: tf.io.FixedLenFeature([], tf.string)})
        return self._named(self._scores(examples[ENCODED]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def prepare(self, image_bytes: tf.Tensor) -> tf.Tensor:
        """Files (string [N]) -> the pixels that the network is given, uint8 [N, S, S, 3]."""
        ((inputs,), _) = self._transform.transform_fn.structured_input_signature
        rows = {name: _empty(spec, tf.size(image_bytes)) for name, spec in inputs.items()}
        rows[ENCODED] = _column(inputs[ENCODED], image_bytes)
        side = self._image_size
        prepared = self._transform.transform_fn(rows)[IMAGE]
        return tf.map_fn(lambda data: encoding.parse(data, side, side), prepared, fn_output_signature=tf.uint8)

    def _scores(self, image_bytes: tf.Tensor) -> tf.Tensor:
        return self._scorer(tf.cast(self.prepare(image_bytes), tf.float32))

    def _named(self, scores: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"classes": tf.tile(self._labels[tf.newaxis], [tf.shape(scores)[0], 1]), "scores": scores}


def _column(spec: tf.TypeSpec, values: tf.Tensor) -> tf.Tensor | tf.SparseTensor:
    """One value per row as the Transform graph wants it: sparse when the schema gives the feature no shape."""
    if isinstance(spec, tf.SparseTensorSpec):
        return tf.sparse.from_dense(values[:, tf.newaxis])
    return tf.reshape(values, [-1, *spec.shape[1:]])


def _empty(spec: tf.TypeSpec, rows: tf.Tensor) -> tf.Tensor | tf.SparseTensor:
    """A feature that is not known when serving, such as the class: the Transform graph wants all of its inputs."""
    if isinstance(spec, tf.SparseTensorSpec):
        return tf.SparseTensor(tf.zeros([0, 2], tf.int64), tf.zeros([0], spec.dtype), [tf.cast(rows, tf.int64), 0])
    return tf.zeros([rows, *spec.shape[1:]], spec.dtype)


def save_served(module: ServedClassifier, folder: str) -> None:
    """Writes the SavedModel with the signatures `serving_default` and `classify`."""
    tf.saved_model.save(module, folder, {"serving_default": module.serve, "classify": module.classify})


def save_for_tflite(scorer: Scorer, image_size: int, folder: str) -> None:
    """Writes a SavedModel: `serving_default` takes `image` float32 [1, S, S, 3], 0..255, and gives `scores` [1, K]."""
    module = tf.Module()
    module.scorer = scorer

    spec = tf.TensorSpec([1, image_size, image_size, 3], tf.float32, name="image")

    @tf.function(input_signature=[spec], autograph=False)
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": scorer(image)}

    tf.saved_model.save(module, folder, {"serving_default": serve})
