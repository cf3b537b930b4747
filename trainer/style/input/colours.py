"""Colour transfer after Reinhard et al. (2001): one image in the colours of another."""

import numpy as np
import tensorflow as tf

from trainer.images import encoding

# Section 2: RGB -> LMS (equation 4); log10; l, alpha, beta (equation 6).
_RGB_TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_LMS_TO_LAB = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
# The logarithm of black is not finite: pixels and cone responses count as one level of 255 at least.
_DARKEST = 1 / 255


def transfer(photo: tf.Tensor, painting: tf.Tensor, strength: tf.Tensor) -> tf.Tensor:
    """Gives a photo the painting's means and deviations in l-alpha-beta (Reinhard et al. 2001, section 3).

    Both are uint8 [H, W, 3]; `strength` is how far to go from the photo's statistics (0) to the painting's (1).

    Returns:
        uint8 [H, W, 3]. A channel that does not vary in the photo is moved, not scaled.
    """
    own, wanted = _to_lab(photo), _to_lab(painting)
    mean, deviation = _statistics(own)
    wanted_mean, wanted_deviation = _statistics(wanted)
    scale = tf.where(deviation > 1e-4, wanted_deviation / tf.maximum(deviation, 1e-4), 1.0)
    moved = (own - mean) * (1 + strength * (scale - 1)) + mean + strength * (wanted_mean - mean)
    return _to_rgb(moved)


def _to_lab(image: tf.Tensor) -> tf.Tensor:
    rgb = tf.maximum(tf.cast(image, tf.float32) / 255.0, _DARKEST)
    lms = tf.tensordot(rgb, tf.constant(_RGB_TO_LMS.T, tf.float32), 1)
    return tf.tensordot(tf.math.log(lms) / np.log(10), tf.constant(_LMS_TO_LAB.T, tf.float32), 1)


def _to_rgb(lab: tf.Tensor) -> tf.Tensor:
    lms = 10 ** tf.tensordot(lab, tf.constant(np.linalg.inv(_LMS_TO_LAB).T, tf.float32), 1)
    return encoding.to_uint8(255 * tf.tensordot(lms, tf.constant(np.linalg.inv(_RGB_TO_LMS).T, tf.float32), 1))


def _statistics(lab: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    mean, variance = tf.nn.moments(lab, (0, 1))
    return mean, tf.sqrt(variance)
