"""Random changes of photos that leave their class as it is."""

import math

import tensorflow as tf

from trainer.classifier.options import AugmentOptions


@tf.autograph.experimental.do_not_convert  # it is a graph already, and converting it takes seconds
def augment(images: tf.Tensor, seed: tf.Tensor, options: AugmentOptions) -> tf.Tensor:
    """Rotates, shears, shifts, zooms and mirrors, then changes brightness, contrast and colours, each by its draw.

    The movements are one projective transform: Keras' layers for the same changes resample, and blur, once each. The
    images are float32 [N, S, S, 3], 0..255; the same seed, int [2], gives the same changes.

    Returns:
        float32 [N, S, S, 3], 0..255.
    """
    draws = tf.random.stateless_uniform([11, tf.shape(images)[0]], seed, -1.0, 1.0)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_movements(draws[:7], tf.cast(tf.shape(images)[1], tf.float32), options),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=options.fill.upper(),
    )
    brightness, contrast, saturation, hue = (draws[i][:, tf.newaxis, tf.newaxis, tf.newaxis] for i in range(7, 11))
    mean = tf.reduce_mean(moved, axis=[1, 2, 3], keepdims=True)
    changed = (moved - mean) * (1 + contrast * options.contrast) + mean + 255 * brightness * options.brightness
    if options.saturation or options.hue:
        changed = _recoloured(changed, saturation * options.saturation, hue * options.hue)
    return tf.clip_by_value(changed, 0.0, 255.0)


def _recoloured(images: tf.Tensor, saturation: tf.Tensor, hue: tf.Tensor) -> tf.Tensor:
    """Scales chroma by 1 + saturation and turns it by hue (shares of a circle), in YIQ, which is linear in RGB.

    `tf.image.adjust_hue` does it in HSV with one angle for the whole batch.
    """
    to_yiq = tf.constant([[0.299, 0.596, 0.211], [0.587, -0.274, -0.523], [0.114, -0.322, 0.312]])
    luma, i, q = tf.split(tf.tensordot(images, to_yiq, 1), 3, axis=-1)
    cos, sin = (1 + saturation) * tf.cos(2 * math.pi * hue), (1 + saturation) * tf.sin(2 * math.pi * hue)
    turned = tf.concat([luma, i * cos - q * sin, i * sin + q * cos], axis=-1)
    return tf.tensordot(turned, tf.linalg.inv(to_yiq), 1)


def _movements(draws: tf.Tensor, side: tf.Tensor, options: AugmentOptions) -> tf.Tensor:
    """Projective transforms [N, 8] that map output to input pixels, about the centre, from draws [7, N] in -1..1."""
    turn, zoom, right, down, mirror, slant_x, slant_y = tf.unstack(draws)
    angle = turn * options.rotation * 2 * math.pi
    scale = 1 + zoom * options.zoom
    flip = tf.where((mirror < 0) & options.flip, -1.0, 1.0)
    slant_x, slant_y = slant_x * options.shear, slant_y * options.shear
    cos, sin = scale * tf.cos(angle), scale * tf.sin(angle)
    centre = (side - 1) / 2
    # The rotation, after the shear [[1, slant_x], [slant_y, 1]] of what is to be drawn, mirrored at the end.
    x_from_x, x_from_y = flip * (cos - slant_y * sin), slant_x * cos - sin
    y_from_x, y_from_y = flip * (sin + slant_y * cos), slant_x * sin + cos
    x_offset = centre - centre * (x_from_x + x_from_y) + right * options.shift * side
    y_offset = centre - centre * (y_from_x + y_from_y) + down * options.shift * side
    zero = tf.zeros_like(turn)
    return tf.stack([x_from_x, x_from_y, x_offset, y_from_x, y_from_y, y_offset, zero, zero], axis=1)
