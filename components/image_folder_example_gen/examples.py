"""The tf.Example of an image."""

import hashlib

import tensorflow as tf
from easel_serving.wire import header

from components.image_folder_example_gen import conversion, features, storage
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.reasons import Reason, Unusable
from components.image_folder_example_gen.records import Picture


def serialize(picture: Picture, options: IngestOptions) -> bytes:
    """Reads the image again and makes its serialized tf.Example, with the features of `features.py`.

    Raises:
      Unusable: the file is gone, or is not what it was when it was inspected.
    """
    data = storage.read(picture.source.path, options.max_bytes)
    if hashlib.sha256(data).hexdigest() != picture.sha256:
        raise Unusable(Reason.CHANGED, "its content changed between two reads")
    encoded = data if picture.untouched else conversion.reencode(data, options)
    message = tf.train.Features()
    # Filled in place, because messages that are given to other messages are copied.
    feature = message.feature
    for name, value in {
        features.FORMAT: picture.format.encode(),
        features.FILENAME: picture.source.name.encode(),
        features.SHA256: picture.sha256.encode(),
        features.LABEL: picture.source.label.encode(),
    }.items():
        feature[name].bytes_list.value.append(value)
    for name, value in {
        features.HEIGHT: picture.height,
        features.WIDTH: picture.width,
        features.CHANNELS: 3,
        features.NUM_BYTES: len(data),
    }.items():
        feature[name].int64_list.value.append(value)
    for name, value in {
        features.ASPECT_RATIO: picture.width / picture.height,
        features.BRIGHTNESS: picture.brightness,
        features.CONTRAST: picture.contrast,
        features.SHARPNESS: picture.sharpness,
        features.COLORFULNESS: picture.colorfulness,
    }.items():
        feature[name].float_list.value.append(value)
    return _example(message, features.ENCODED, encoded)


def _example(others: tf.train.Features, name: str, value: bytes) -> bytes:
    """A serialized tf.Example with one more feature, a large one, whose bytes are copied only once.

    Written by hand (protobuf's encoding of tensorflow/core/example/feature.proto): as a message the image would be
    copied four times, which takes as long as reading it.
    """
    feature = _field(1, _field(1, [value]))  # Feature.bytes_list, BytesList.value
    entry = _field(1, [*_field(1, [name.encode()]), *_field(2, feature)])  # Features.feature: its key and its value
    return b"".join(_field(1, [others.SerializeToString(deterministic=True), *entry]))  # Example.features


def _field(number: int, content: list[bytes]) -> list[bytes]:
    """A field that holds bytes or a message: its tag, its length, and the content, in pieces."""
    return [header(number, sum(map(len, content))), *content]
