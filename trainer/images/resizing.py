"""Resizing with antialiasing; "image" means RGB, 0..255, shape [H, W, 3]."""

import tensorflow as tf

from trainer.images.encoding import to_uint8

ASPECTS = ("squash", "crop", "pad")


@tf.autograph.experimental.do_not_convert
def resize(image: tf.Tensor, height: int, width: int, aspect: str = "squash", method: str = "bilinear") -> tf.Tensor:
    """Resizes with antialiasing: the support grows with the reduction.

    Args:
        image: [H, W, 3] or a batch [N, H, W, 3], uint8 or float, 0..255.
        height: of the result, in pixels.
        width: of the result, in pixels.
        aspect: what happens when the proportions differ: `squash` distorts, `crop` keeps the centre, `pad` adds black.
        method: of `tf.image.resize`. `lanczos3` keeps the sharpness that `bilinear` loses.

    Returns:
        [height, width, 3] or [N, height, width, 3] of the dtype of `image`; uint8 is rounded.
    """
    target = tf.constant([height, width])
    if aspect == "crop":
        image = _central(image, target)
    shape = _within(tf.shape(image)[-3:-1], target) if aspect == "pad" else target
    resized = tf.image.resize(image, shape, method, antialias=True)
    if aspect == "pad":
        resized = tf.image.resize_with_crop_or_pad(resized, height, width)
    resized.set_shape([*image.shape[:-3], height, width, 3])
    return _like(resized, image)


def bound(image: tf.Tensor, max_side: int) -> tf.Tensor:
    """Reduces `image` [H, W, 3], keeping its proportions, to a longest side of at most `max_side`; never enlarges.

    With Lanczos' filter: what is painted should be as sharp as the photo.
    """
    shape = tf.shape(image)[:2]
    smaller = _within(shape, tf.constant([max_side, max_side]))
    return tf.cond(
        tf.reduce_max(shape) > max_side,
        lambda: _like(tf.image.resize(image, smaller, "lanczos3", antialias=True), image),
        lambda: image,
    )


def _within(shape: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """The largest (height, width) with the proportions of `shape` that fits in `target`, at least one pixel."""
    ratio = tf.reduce_min(tf.cast(target, tf.float32) / tf.cast(shape, tf.float32))
    return tf.clip_by_value(tf.cast(tf.round(tf.cast(shape, tf.float32) * ratio), tf.int32), 1, target)


def _central(image: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """The largest central part of `image` with the proportions of `target`."""
    shape = tf.shape(image)[-3:-1]
    part = _within(target, shape)
    begin = (shape - part) // 2
    return image[..., begin[0] : begin[0] + part[0], begin[1] : begin[1] + part[1], :]


def _like(resized: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    return to_uint8(resized) if image.dtype == tf.uint8 else tf.cast(resized, image.dtype)
