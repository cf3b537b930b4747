"""Content, style and smoothness as relative distances: pure functions of features, one value for each image."""

from collections.abc import Mapping

import tensorflow as tf

_EPSILON = 1e-5

Moments = Mapping[str, tuple[tf.Tensor, tf.Tensor]]
"""Layer name -> channel means and standard deviations over positions, each float32 [N, C]."""


def content_distance(painted: tf.Tensor, photo: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of features [N, h, w, C], relative to the photo's mean square; float32 [N].

    The feature reconstruction loss of Johnson et al. (2016), section 3.2, made independent of the features' size.
    """
    return _relative(painted - photo, photo, axes=(1, 2, 3))


def moments(features: Mapping[str, tf.Tensor]) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """Features float32 [N, h, w, C] by layer -> `Moments` (Huang & Belongie 2017, section 3)."""
    found = {}
    for name, values in features.items():
        mean, variance = tf.nn.moments(values, (1, 2))
        found[name] = mean, tf.sqrt(variance + _EPSILON)
    return found


def style_distance(painted: Moments, painting: Moments) -> tf.Tensor:
    """The style loss of Huang & Belongie (2017), equation 13, on squares; each layer relative; float32 [N].

    Mean over layers of (squared difference of means + squared difference of deviations), averaged over channels and
    divided by the painting's mean squared deviation.
    """
    distances = []
    for name, (mean, deviation) in painting.items():
        other_mean, other_deviation = painted[name]
        distances.append(
            _relative(other_mean - mean, deviation, axes=(1,))
            + _relative(other_deviation - deviation, deviation, axes=(1,))
        )
    return tf.add_n(distances) / len(distances)


def gram(features: tf.Tensor) -> tf.Tensor:
    """Features float32 [N, h, w, C] -> Gram matrices float32 [N, C, C], averaged over positions (Gatys et al. 2016)."""
    shape = tf.shape(features)
    flat = tf.reshape(features, [shape[0], shape[1] * shape[2], features.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(shape[1] * shape[2], tf.float32)


def guided_gram(features: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Gram matrices float32 [N, C, C], averaged over where the mask is (Gatys et al. 2017, section 4, equation 2).

    Args:
        features: float32 [N, h, w, C].
        mask: float32 [N, H, W, 1], 0..1, of any size; without any white the matrices are 0.
    """
    guidance = tf.image.resize(mask, tf.shape(features)[1:3], antialias=True)
    share = guidance / (tf.reduce_mean(guidance, (1, 2), keepdims=True) + _EPSILON)
    return gram(features * tf.sqrt(tf.maximum(share, 0.0)))


def gram_distance(painted: Mapping[str, tf.Tensor], painting: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Squared difference of Gram matrices [N, C, C], relative to the painting's, mean over layers; float32 [N]."""
    distances = [_relative(painted[name] - value, value, axes=(1, 2)) for name, value in painting.items()]
    return tf.add_n(distances) / len(distances)


def total_variation(images: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of neighbouring pixels of float32 [N, H, W, 3], 0..255, in units of 255; float32 [N]."""
    scaled = images / 255.0
    down, right = scaled[:, 1:] - scaled[:, :-1], scaled[:, :, 1:] - scaled[:, :, :-1]
    return tf.reduce_mean(tf.square(down), (1, 2, 3)) + tf.reduce_mean(tf.square(right), (1, 2, 3))


def _relative(difference: tf.Tensor, reference: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_mean(tf.square(difference), axes) / (tf.reduce_mean(tf.square(reference), axes) + _EPSILON)
