"""Warm-up requests: TensorFlow Serving replays them when it loads a version, before the version takes traffic.

A record that fails stops TensorFlow Serving from loading the version, so each is run here on the model first. Format:
TFRecords of `PredictionLog` in `assets.extra/tf_serving_warmup_requests` (TensorFlow Serving, "SavedModel Warmup").
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from easel_serving.images import prepare
from easel_serving.models.saved_model import SavedModel
from easel_serving.models.tf_errors import one_line
from PIL import Image
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_log_pb2

COUNT = 3
"""Requests per signature: the first traces and allocates, the next ones run as traffic will."""

SIDE = 256
"""Longest side in pixels of the images in the requests: the cost of a first call is in the graph, not in the pixels."""

ENCODED = "image/encoded"
CONTENT, STYLE = "content_bytes", "style_bytes"


def requests(
    definitions: Mapping[str, Any],
    model_name: str,
    description: Mapping[str, Any],
    examples: Sequence[tf.train.Example],
) -> list[prediction_log_pb2.PredictionLog]:
    """One request per signature and example, batch size 1, made of real images.

    The names and codes of styles are in `description`, the model's `model.json`; the examples have `image/encoded`, or
    `content_bytes` and `style_bytes`.

    Raises:
        ValueError: there is no example, or a signature has an input that nobody knows how to fill.
    """
    if not examples:
        raise ValueError("no evaluation example to make warm-up requests of")
    logs = []
    for example in map(_reduced, examples):
        for name, definition in sorted(definitions.items()):
            logs.append(_log(model_name, name, definition.inputs, example, description))
    return logs


def serialize(logs: Sequence[prediction_log_pb2.PredictionLog]) -> bytes:
    """The TFRecord file's content."""
    path = "ram://easel-warmup"
    with tf.io.TFRecordWriter(path) as writer:
        for log in logs:
            writer.write(log.SerializeToString())
    content = tf.io.gfile.GFile(path, "rb").read()
    tf.io.gfile.remove(path)
    return content


def check(model: SavedModel, logs: Sequence[prediction_log_pb2.PredictionLog]) -> None:
    """Runs each request on the model as TensorFlow Serving would; raises ValueError, naming a signature that fails."""
    for log in logs:
        request = log.predict_log.request if log.HasField("predict_log") else log.classify_log.request
        name = request.model_spec.signature_name
        try:
            model(name, _tensors(request))
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise ValueError(
                f"{request.model_spec.name}: signature {name} fails on its own warm-up request, and TensorFlow Serving "
                f"would not load the version: {one_line(error)}"
            ) from error


def _tensors(request: Any) -> dict[str, np.ndarray]:
    if isinstance(request, predict_pb2.PredictRequest):
        return {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
    examples = request.input.example_list.examples
    return {"inputs": np.array([example.SerializeToString() for example in examples], object)}


def _log(
    model_name: str,
    signature: str,
    infos: Mapping[str, Any],
    example: tf.train.Example,
    description: Mapping[str, Any],
) -> prediction_log_pb2.PredictionLog:
    log = prediction_log_pb2.PredictionLog()
    # TensorFlow Serving's Classify takes serialized Examples through one input of this name; all else is Predict.
    if set(infos) == {"inputs"}:
        request: classification_pb2.ClassificationRequest = log.classify_log.request
        request.input.example_list.examples.append(example)
    else:
        request = log.predict_log.request
        for name, info in sorted(infos.items()):
            if name not in _VALUES:
                raise ValueError(
                    f"{model_name}: signature {signature} has an input {name} that no warm-up value is for"
                )
            value = _VALUES[name](example, description)
            request.inputs[name].CopyFrom(tf.make_tensor_proto([value], dtype=tf.dtypes.as_dtype(info.dtype)))
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    return log


def _feature(name: str) -> Callable[[tf.train.Example, Mapping[str, Any]], bytes]:
    return lambda example, _: example.features.feature[name].bytes_list.value[0]


_VALUES: dict[str, Callable[[tf.train.Example, Mapping[str, Any]], Any]] = {
    "image_bytes": _feature(ENCODED),
    CONTENT: _feature(CONTENT),
    STYLE: _feature(STYLE),
    "strength": lambda *_: 1.0,
    "style_name": lambda _, description: description["styles"][0]["name"],
    "style_code": lambda _, description: description["styles"][0]["code"],
}


def _reduced(example: tf.train.Example) -> tf.train.Example:
    """A copy of the example with its images made small."""
    copy = tf.train.Example.FromString(example.SerializeToString())
    for name in (ENCODED, CONTENT, STYLE):
        if name in copy.features.feature:
            values = copy.features.feature[name].bytes_list.value
            values[0] = _small(values[0])
    return copy


def _small(encoded: bytes) -> bytes:
    image = Image.fromarray(prepare.pixels(encoded))
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
