"""Decoding with EXIF orientation, in TensorFlow operations only.

The same functions run eagerly, in `tf.data`, in the Transform graph and in the served model, so that training and
serving cannot disagree. Nothing here calls back into Python at run time. "Image" means RGB, 0..255, shape [H, W, 3].
"""

from collections.abc import Callable

import tensorflow as tf

_ORIENTATION_TAG = 0x0112
_TIFF_SHORT, _TIFF_LONG = 3, 4
_MOST_SEGMENTS = 1000
"""How far EXIF is looked for: bytes of a million empty segments must not keep a server busy."""
_FILL = 4096
"""Fill bytes that are passed over in one step (ITU-T T.81, B.1.1.2)."""


# One graph for all who call it: to trace the search for EXIF anew, or to run it op by op, takes half a second.
@tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
def decode(data: tf.Tensor) -> tf.Tensor:
    """Decodes one JPEG, PNG, GIF (first frame) or BMP, upright: the EXIF orientation of a JPEG or PNG is applied.

    Returns:
        uint8 [H, W, 3].

    Raises:
        tf.errors.InvalidArgumentError: the bytes are not an image that TensorFlow decodes.
    """
    image = tf.io.decode_image(data, channels=3, expand_animations=False)
    image.set_shape([None, None, 3])
    turn = orientation(data)
    return tf.cond(turn > 1, lambda: upright(image, turn), lambda: image)


def orientation(data: tf.Tensor) -> tf.Tensor:
    """The EXIF orientation in the bytes of a JPEG or PNG (string scalar): int32 scalar 1..8; 1 for none or malformed.

    Reads what the Exif 2.32 standard (sections 4.5-4.7) describes: the first APP1 segment that begins with `Exif`, in
    it the TIFF header of either byte order, in its IFD0 the tag 0x0112; of a PNG (third edition, 11.3.4.5) the `eXIf`
    chunk before the pixels. Offsets that point outside are ignored. `easel_serving.images.formats` reads the same.
    """
    content = tf.io.decode_raw(data, tf.uint8)
    return _tiff_orientation(tf.concat([_jpeg_exif(content), _png_exif(content)], axis=0))  # one of them is empty


def upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns `image` [H, W, C] stored with EXIF `orientation` (int scalar 1..8) the way a person should see it."""
    swaps_axes = orientation >= 5
    image = tf.transpose(image, tf.where(swaps_axes, [1, 0, 2], [0, 1, 2]))
    bottom_first = tf.reduce_any(orientation == [3, 4, 7, 8])
    right_first = tf.reduce_any(orientation == [2, 3, 6, 7])
    image = image[:: tf.where(bottom_first, -1, 1), :: tf.where(right_first, -1, 1)]
    image.set_shape([None, None, 3])
    return image


def _jpeg_exif(content: tf.Tensor) -> tf.Tensor:
    """The TIFF structure in the first Exif segment of a JPEG's bytes (uint8 [B]); empty when there is none."""

    def is_exif(position: tf.Tensor) -> tf.Tensor:
        here = _slice(content, position, 10)
        return _starts(here, b"\xff\xe1") & _starts(here[4:], b"Exif\0\0")

    def goes_on(position: tf.Tensor) -> tf.Tensor:
        here = _slice(content, position, 2)
        in_header = _starts(here, b"\xff") & ~_starts(here, b"\xff\xda")  # what follows "start of scan" is pixels
        return in_header & ~is_exif(position)

    def advance(position: tf.Tensor) -> tuple[tf.Tensor]:
        here = _slice(content, position + 1, _FILL)
        # One more byte, which is none, for a slice of nothing else.
        fill = tf.argmax(tf.concat([here, [0]], axis=0) != 0xFF)  # how many bytes of 0xFF precede a marker
        segment = 2 + _integer(here[1:3], 2, little=False)
        return (position + tf.where(fill > 0, fill, segment),)

    position = _search(content, b"\xff\xd8", goes_on, advance)
    length = _integer(_slice(content, position + 2, 2), 2, little=False) * tf.cast(is_exif(position), tf.int64)
    return _slice(content, position + 10, length - 8)


def _png_exif(content: tf.Tensor) -> tf.Tensor:
    """The content of a PNG's `eXIf` chunk (uint8 [B]); empty when there is none before the pixels."""

    def goes_on(position: tf.Tensor) -> tf.Tensor:
        here = _slice(content, position + 4, 4)
        return (tf.size(here) == 4) & ~_starts(here, b"eXIf") & ~_starts(here, b"IDAT")

    def advance(position: tf.Tensor) -> tuple[tf.Tensor]:
        return (position + 12 + _integer(_slice(content, position, 4), 4, little=False),)

    position = _search(content, b"\x89PNG\r\n\x1a\n", goes_on, advance)
    is_exif = _starts(_slice(content, position + 4, 4), b"eXIf")
    length = _integer(_slice(content, position, 4), 4, little=False) * tf.cast(is_exif, tf.int64)
    return _slice(content, position + 8, length)


def _search(content: tf.Tensor, magic: bytes, goes_on: Callable, advance: Callable) -> tf.Tensor:
    """Where a search that starts behind the magic ends: int64 scalar; at the end of the content when it is another."""
    size = tf.size(content, tf.int64)
    first = tf.where(_starts(_slice(content, 0, len(magic)), magic), tf.constant(len(magic), tf.int64), size)
    (position,) = tf.while_loop(goes_on, advance, (first,), maximum_iterations=_MOST_SEGMENTS)
    return position


def _tiff_orientation(content: tf.Tensor) -> tf.Tensor:
    """The valid orientation in IFD0 of a TIFF structure (uint8 [B], possibly empty), else 1; int32 scalar."""
    little = _starts(content, b"II*\0")
    is_tiff = little | _starts(content, b"MM\0*")
    directory = content[_integer(content[4:], 4, little) :]
    count = _integer(directory, 2, little) * tf.cast(is_tiff, tf.int64)
    table = directory[2 : 2 + 12 * count]
    entries = tf.reshape(table[: tf.size(table) // 12 * 12], [-1, 12])
    tag, kind = _integer(entries, 2, little), _integer(entries[:, 2:], 2, little)
    short, long = _integer(entries[:, 8:], 2, little), _integer(entries[:, 8:], 4, little)
    value = tf.where(kind == _TIFF_LONG, long, short)
    is_orientation = (tag == _ORIENTATION_TAG) & ((kind == _TIFF_SHORT) | (kind == _TIFF_LONG))
    values = tf.boolean_mask(value, is_orientation & (value >= 1) & (value <= 8))
    return tf.cast(tf.concat([values, [1]], axis=0)[0], tf.int32)


def _slice(content: tf.Tensor, begin: tf.Tensor | int, size: tf.Tensor | int) -> tf.Tensor:
    """At most `size` bytes: TensorFlow copies a slice, so none is to be as long as the rest of a photo."""
    return content[begin : begin + size]


def _starts(content: tf.Tensor, expected: bytes) -> tf.Tensor:
    found = content[: len(expected)]
    return (tf.size(found) == len(expected)) & tf.reduce_all(_padded(found, len(expected)) == list(expected))


def _integer(content: tf.Tensor, width: int, little: tf.Tensor | bool) -> tf.Tensor:
    """The unsigned integer in the first `width` bytes of the last axis (uint8 [..., B]), int64; missing bytes are 0."""
    digits = tf.cast(_padded(content[..., :width], width), tf.int64)
    powers = [256**i for i in range(width)]
    # Reversed here: passes of TensorFlow's graph optimiser take `[::-1]` of a constant for one of a shape and fail.
    powers = tf.where(little, tf.constant(powers, tf.int64), tf.constant(powers[::-1], tf.int64))
    return tf.reduce_sum(digits * powers, axis=-1)


def _padded(content: tf.Tensor, width: int) -> tf.Tensor:
    missing = [[0, 0]] * (len(content.shape) - 1) + [[0, width - tf.shape(content)[-1]]]
    return tf.pad(content, missing)
