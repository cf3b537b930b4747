"""Random changes of photos that leave their class as it is."""

import math

import tensorflow as tf

from trainer.classifier.options import AugmentOptions


@tf.autograph.experimental.do_not_convert  # it is a graph already, and converting it takes seconds
def augment(images: tf.Tensor, seed: tf.Tensor, options: AugmentOptions) -> tf.Tensor:
    """Rotates, shifts, zooms and mirrors, then changes brightness and contrast, each photo by its own draw.

    The movements are one projective transform: Keras' layers for the same changes resample, and blur, once each.

    Args:
      images: float32 [N, S, S, 3], 0..255.
      seed: int [2]; the same seed gives the same changes.
      options: how strong; what comes in from outside the frame is its reflection.

    Returns:
      float32 [N, S, S, 3], 0..255.
    """
    draws = tf.random.stateless_uniform([7, tf.shape(images)[0]], seed, -1.0, 1.0)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_movements(draws[:5], tf.cast(tf.shape(images)[1], tf.float32), options),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    brightness, contrast = (draws[i][:, tf.newaxis, tf.newaxis, tf.newaxis] for i in (5, 6))
    mean = tf.reduce_mean(moved, axis=[1, 2, 3], keepdims=True)
    changed = (moved - mean) * (1 + contrast * options.contrast) + mean + 255 * brightness * options.brightness
    return tf.clip_by_value(changed, 0.0, 255.0)


def _movements(draws: tf.Tensor, side: tf.Tensor, options: AugmentOptions) -> tf.Tensor:
    """Projective transforms [N, 8] that map output to input pixels, about the centre, from draws [5, N] in -1..1."""
    turn, zoom, right, down, mirror = tf.unstack(draws)
    angle = turn * options.rotation * 2 * math.pi
    scale = 1 + zoom * options.zoom
    flip = tf.where((mirror < 0) & options.flip, -1.0, 1.0)
    cos, sin = scale * tf.cos(angle), scale * tf.sin(angle)
    centre = (side - 1) / 2
    x_from_x, x_from_y, y_from_x, y_from_y = flip * cos, -sin, flip * sin, cos
    x_offset = centre - centre * (x_from_x + x_from_y) + right * options.shift * side
    y_offset = centre - centre * (y_from_x + y_from_y) + down * options.shift * side
    zero = tf.zeros_like(turn)
    return tf.stack([x_from_x, x_from_y, x_offset, y_from_x, y_from_y, y_offset, zero, zero], axis=1)
