"""MixUp and CutMix: photos and targets of a batch blended with those of another photo of the batch."""

import tensorflow as tf

from trainer.classifier.options import AugmentOptions

Batch = tuple[tf.Tensor, tf.Tensor]


@tf.autograph.experimental.do_not_convert
def mix(images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, options: AugmentOptions) -> Batch:
    """One of the two that are switched on, for the whole batch by one draw; the batch as it is when neither is.

    Images are float32 [N, S, S, 3], targets float32 [N, K]; each is mixed with the one at the mirrored place of the
    batch, which is shuffled. The same seed, int [2], mixes the same.

    Returns:
        Images and targets of the same shapes; the targets still sum to one.
    """
    if options.mixup and options.cutmix:
        first = tf.random.stateless_uniform([], seed + tf.constant([11, 0], seed.dtype)) < 0.5
        return tf.cond(
            first,
            lambda: mixup(images, targets, beta(seed, options.mixup)),
            lambda: cutmix(images, targets, beta(seed, options.cutmix), seed),
        )
    if options.mixup:
        return mixup(images, targets, beta(seed, options.mixup))
    return cutmix(images, targets, beta(seed, options.cutmix), seed) if options.cutmix else (images, targets)


def mixup(images: tf.Tensor, targets: tf.Tensor, share: tf.Tensor) -> Batch:
    """Share * batch + (1 - share) * reversed batch, for both (Zhang et al. 2018, arXiv:1710.09412, equation 2)."""
    return _blend(images, share), _blend(targets, share)


def cutmix(images: tf.Tensor, targets: tf.Tensor, share: tf.Tensor, seed: tf.Tensor) -> Batch:
    """Pastes a rectangle of about 1 - share of the area (Yun et al. 2019, arXiv:1905.04899, equations 1 and 2).

    Its centre is uniform; the targets go by the area that remains after it was clipped at the border.
    """
    side = tf.shape(images)[1]
    half = tf.sqrt(1 - share) / 2
    centre = tf.random.stateless_uniform([2], seed + tf.constant([13, 0], seed.dtype))
    corners = tf.clip_by_value(tf.stack([centre - half, centre + half]), 0.0, 1.0)  # [low or high, down or right]
    (top, left), (bottom, right) = tf.unstack(
        [tf.unstack(row) for row in tf.unstack(tf.cast(tf.round(corners * tf.cast(side, tf.float32)), tf.int32))]
    )
    places = tf.range(side)
    rows, columns = (places >= top) & (places < bottom), (places >= left) & (places < right)
    pasted = (rows[:, tf.newaxis] & columns[tf.newaxis])[tf.newaxis, :, :, tf.newaxis]
    kept = 1 - tf.reduce_mean(tf.cast(pasted, targets.dtype))
    return tf.where(pasted, images[::-1], images), _blend(targets, kept)


def beta(seed: tf.Tensor, concentration: float) -> tf.Tensor:
    """A draw of Beta(concentration, concentration), float32 scalar: one gamma draw over the sum of two."""
    draws = tf.random.stateless_gamma([2], seed + tf.constant([12, 0], seed.dtype), concentration) + 1e-12
    return draws[0] / tf.reduce_sum(draws)


def _blend(values: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    return share * values + (1 - share) * values[::-1]
