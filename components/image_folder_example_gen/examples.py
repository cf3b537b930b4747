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
    feature = {
        features.ENCODED: _bytes(encoded),
        features.FORMAT: _bytes(picture.format.encode()),
        features.HEIGHT: _int(picture.height),
        features.WIDTH: _int(picture.width),
        features.CHANNELS: _int(3),
        features.FILENAME: _bytes(picture.source.name.encode()),
        features.SHA256: _bytes(picture.sha256.encode()),
        features.LABEL: _bytes(picture.source.label.encode()),
        features.ASPECT_RATIO: _float(picture.width / picture.height),
        features.BRIGHTNESS: _float(picture.brightness),
        features.CONTRAST: _float(picture.contrast),
        features.SHARPNESS: _float(picture.sharpness),
        features.COLORFULNESS: _float(picture.colorfulness),
        features.NUM_BYTES: _int(len(data)),
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _float(value: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
