"""MixUp and CutMix against their definitions in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from trainer.classifier.input.mixing import beta, cutmix, mix, mixup
from trainer.classifier.options import AugmentOptions

IMAGES = np.random.default_rng(0).uniform(0, 255, (4, 20, 20, 3)).astype("float32")
TARGETS = np.eye(4, 5, dtype=np.float32)


def test_mixup_blends_pixels_and_targets_by_the_same_share():
    images, targets = mixup(tf.constant(IMAGES), tf.constant(TARGETS), tf.constant(0.3))
    np.testing.assert_allclose(images, 0.3 * IMAGES + 0.7 * IMAGES[::-1], rtol=1e-5)
    np.testing.assert_allclose(targets[0], [0.3, 0, 0, 0.7, 0], rtol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_cutmix_pastes_a_rectangle_and_weighs_the_targets_by_its_area(seed):
    images, targets = cutmix(tf.constant(IMAGES), tf.constant(TARGETS), tf.constant(0.6), tf.constant([seed, 1]))
    pasted = (images == IMAGES[::-1]).numpy().all(axis=(0, 3))
    np.testing.assert_array_equal(images, np.where(pasted[..., None], IMAGES[::-1], IMAGES))
    rows, columns = pasted.any(axis=1), pasted.any(axis=0)
    np.testing.assert_array_equal(pasted, rows[:, None] & columns)
    assert pasted.mean() <= 0.4 + 0.05
    np.testing.assert_allclose(targets, (1 - pasted.mean()) * TARGETS + pasted.mean() * TARGETS[::-1], atol=1e-5)


@pytest.mark.parametrize("concentration", [0.2, 1.0])
def test_shares_are_drawn_from_the_beta_distribution(concentration):
    draws = [float(beta(tf.constant([seed, 3]), concentration)) for seed in range(200)]
    assert stats.kstest(draws, stats.beta(concentration, concentration).cdf).pvalue > 0.01


def test_what_is_switched_on_takes_turns_and_targets_stay_probabilities():
    pixels, targets = tf.constant(IMAGES), tf.constant(TARGETS)
    same, kept = mix(pixels, targets, tf.constant([1, 2]), AugmentOptions())
    np.testing.assert_array_equal(same, IMAGES)
    np.testing.assert_array_equal(kept, TARGETS)
    both = AugmentOptions(mixup=0.4, cutmix=1.0)
    mixed = [mix(pixels, targets, tf.constant([seed, 2]), both) for seed in range(12)]
    for _, blended in mixed:
        np.testing.assert_allclose(tf.reduce_sum(blended, axis=1), 1, rtol=1e-5)
    # CutMix leaves each pixel one of two; MixUp makes new ones.
    cut = [bool(np.all((images == IMAGES) | (images == IMAGES[::-1]))) for images, _ in mixed]
    assert any(cut)
    assert not all(cut)
