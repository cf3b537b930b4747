"""The tf.Example of an image."""

import hashlib

import tensorflow as tf

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
    example = tf.train.Example()
    # Filled in place, because messages that are given to other messages are copied, three times over here.
    feature = example.features.feature
    for name, value in {
        features.ENCODED: encoded,
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
    return example.SerializeToString(deterministic=True)
