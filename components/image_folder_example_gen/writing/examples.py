"""The tf.Example of an image."""

import functools
import hashlib
import struct

from easel_serving.protocol.wire import header, varint

from components.artifacts import features
from components.image_folder_example_gen.inspection import conversion
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import storage
from components.image_folder_example_gen.vocabulary.files import Picture
from components.image_folder_example_gen.vocabulary.reasons import Reason, Unusable

_BYTES, _FLOATS, _INTS = 1, 2, 3
"""Kinds of features: their fields in tensorflow/core/example/feature.proto."""


def serialize(picture: Picture, options: IngestOptions) -> bytes:
    """Reads the image again and makes its serialized tf.Example, with the features of `features.py`.

    Raises:
        Unusable: the file is gone, or is not what it was when it was inspected.
    """
    data = storage.read(picture.source.path, options.max_bytes)
    if hashlib.sha256(data).hexdigest() != picture.sha256:
        raise Unusable(Reason.CHANGED, "its content changed between two reads")
    encoded = data if picture.untouched else conversion.reencode(data, options)
    floats = struct.Struct("<f").pack
    # In the order of protobuf's deterministic serialization, the image, which is large, last.
    return _example(
        (features.ASPECT_RATIO, _FLOATS, floats(picture.width / picture.height)),
        (features.BRIGHTNESS, _FLOATS, floats(picture.brightness)),
        (features.CHANNELS, _INTS, varint(3)),
        (features.LABEL, _BYTES, picture.source.label.encode()),
        (features.COLORFULNESS, _FLOATS, floats(picture.colorfulness)),
        (features.CONTRAST, _FLOATS, floats(picture.contrast)),
        (features.FILENAME, _BYTES, picture.source.name.encode()),
        (features.FORMAT, _BYTES, picture.format.encode()),
        (features.HEIGHT, _INTS, varint(picture.height)),
        (features.SHA256, _BYTES, picture.sha256.encode()),
        (features.NUM_BYTES, _INTS, varint(len(data))),
        (features.SHARPNESS, _FLOATS, floats(picture.sharpness)),
        (features.WIDTH, _INTS, varint(picture.width)),
        (features.ENCODED, _BYTES, encoded),
    )


def _example(*values: tuple[str, int, bytes]) -> bytes:
    """A serialized tf.Example with a value for each feature: its name, kind, and the value as the wire format has it.

    Written by hand: as messages the features take several times as long, and the image would be copied four times.
    """
    pieces = [piece for name, kind, value in values for piece in (_before(name, kind, len(value)), value)]
    return b"".join([header(1, sum(map(len, pieces))), *pieces])  # Example.features


@functools.lru_cache(maxsize=1024)
def _before(name: str, kind: int, size: int) -> bytes:
    """What precedes the `size` bytes of a value: the entry of the map `Features.feature`, its key, the kind of list."""
    key = header(1, len(name)) + name.encode()
    values = header(1, size)
    feature = header(kind, len(values) + size)
    content = header(2, len(feature) + len(values) + size)
    return header(1, len(key) + len(content) + len(feature) + len(values) + size) + key + content + feature + values
