"""Content, style and smoothness as relative distances: pure functions of features, one value for each image."""

from collections.abc import Mapping

import tensorflow as tf

_EPSILON = 1e-5
_WINDOW, _STRIDE = 8, 4
_LEAST_CONTRAST = 58.5225 / 255**2
"""C2 of Wang et al. (2004): (0.03 L)^2 with L = 255."""
_FLAT = 6.0 / 255
_LUMA = (0.299, 0.587, 0.114)

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

    Features are float32 [N, h, w, C], the mask float32 [N, H, W, 1], 0..1, of any size; without any white the matrices
    are 0.
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


def structure_distance(painted: tf.Tensor, photos: tf.Tensor) -> tf.Tensor:
    """How much of a photo's structure is lost: 1 - the contrast and structure of SSIM (Wang et al. 2004, equation 13).

    Of the luminances, in windows of 8 pixels; their brightness does not count, as a painting's palette is darker or
    lighter. It keeps what content features, blind to contrast, give up: faces in pale palettes. Both are float32 [N, H,
    W, 3], 0..255; `photos` are what was painted.

    Returns:
      float32 [N], 0 (the photo's structure) to 2.
    """
    one, other = _luma(painted), _luma(photos)
    mean_one, mean_other = _window_means(one), _window_means(other)
    covariance = _window_means(one * other) - mean_one * mean_other
    variances = _window_means(one**2) - mean_one**2 + _window_means(other**2) - mean_other**2
    kept = (2 * covariance + _LEAST_CONTRAST) / (tf.maximum(variances, 0.0) + _LEAST_CONTRAST)
    return 1 - tf.reduce_mean(kept, (1, 2, 3))


def flat_detail(painted: tf.Tensor, photos: tf.Tensor) -> tf.Tensor:
    """Fine detail of pictures where their photos are flat: the weave that networks leave in skies and cheeks.

    The mean square of what is finer than a window of 8 pixels in the luminance, where the photo varies by less than
    some six levels in such a window, in units of (255 / 10)^2; 0 where a photo has no flat place. Both are float32 [N,
    H, W, 3], 0..255; `photos` are what was painted.

    Returns:
      float32 [N].
    """
    picture, photo = _luma(painted), _luma(photos)
    fine = tf.square(picture - _smoothed(picture))
    variance = tf.maximum(_smoothed(photo**2) - _smoothed(photo) ** 2, 0.0)
    return 100 * tf.reduce_mean(fine * tf.exp(-variance / _FLAT**2), (1, 2, 3))


def _luma(images: tf.Tensor) -> tf.Tensor:
    """Pixels 0..255 [N, H, W, 3] -> luminance 0..1 [N, H, W, 1]."""
    return tf.reduce_sum(images * tf.constant(_LUMA), axis=-1, keepdims=True) / 255.0


def _window_means(values: tf.Tensor) -> tf.Tensor:
    return tf.nn.avg_pool2d(values, _WINDOW, _STRIDE, "VALID")


def _smoothed(values: tf.Tensor) -> tf.Tensor:
    return tf.nn.avg_pool2d(values, _WINDOW, 1, "SAME")


def _relative(difference: tf.Tensor, reference: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_mean(tf.square(difference), axes) / (tf.reduce_mean(tf.square(reference), axes) + _EPSILON)
