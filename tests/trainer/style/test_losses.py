import numpy as np
import pytest
import tensorflow as tf

from trainer.style import losses

RNG = np.random.default_rng(5)
PAINTED, OTHER = (RNG.normal(1, 2, (2, 5, 7, 3)).astype(np.float32) for _ in range(2))


def test_content_distance_is_the_relative_squared_difference():
    expected = [np.mean((PAINTED[i] - OTHER[i]) ** 2) / np.mean(OTHER[i] ** 2) for i in (0, 1)]
    np.testing.assert_allclose(losses.content_distance(PAINTED, OTHER), expected, rtol=1e-4)


def test_gram_matches_an_explicit_sum_over_positions():
    expected = np.zeros((2, 3, 3))
    for y in range(5):
        for x in range(7):
            expected += PAINTED[:, y, x, :, None] * PAINTED[:, y, x, None, :] / 35
    np.testing.assert_allclose(losses.gram(tf.constant(PAINTED)), expected, rtol=1e-4)


def test_gram_distance_is_relative_and_averages_layers():
    gram = losses.gram(tf.constant(OTHER))
    doubled, same = {"a": 2 * gram, "b": gram}, {"a": gram, "b": gram}
    np.testing.assert_allclose(losses.gram_distance(doubled, same), [0.5, 0.5], rtol=1e-4)


def test_style_distance_equals_the_published_definition():
    def moments(x):
        return x.mean((0, 1)), np.sqrt(x.var((0, 1)) + 1e-5)

    expected = []
    for painted, painting in zip(PAINTED, OTHER, strict=True):
        (m, d), (sm, sd) = moments(painted), moments(painting)
        expected.append((np.mean((m - sm) ** 2) + np.mean((d - sd) ** 2)) / (np.mean(sd**2) + 1e-5))
    found = losses.style_distance(
        losses.moments({"layer": tf.constant(PAINTED)}), losses.moments({"layer": tf.constant(OTHER)})
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_an_affine_channelwise_match_has_no_style_distance():
    """Adaptive instance normalisation in closed form: matching means and deviations is all that the distance asks."""
    mean, deviation = PAINTED.mean((1, 2), keepdims=True), PAINTED.std((1, 2), keepdims=True)
    matched = (PAINTED - mean) / deviation * OTHER.std((1, 2), keepdims=True) + OTHER.mean((1, 2), keepdims=True)
    found = losses.style_distance(losses.moments({"x": matched}), losses.moments({"x": OTHER}))
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_total_variation_of_a_ramp_and_of_one_colour():
    ramp = np.broadcast_to(np.arange(4, dtype=np.float32)[None, :, None, None] * 255, (1, 4, 6, 3))
    assert losses.total_variation(tf.constant(ramp)).numpy() == pytest.approx([1.0])
    assert losses.total_variation(tf.fill([1, 4, 4, 3], 77.0)).numpy() == pytest.approx([0.0])


def test_a_uniform_picture_has_finite_gradients():
    features = tf.zeros([1, 4, 4, 3])
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = losses.style_distance(losses.moments({"x": features}), losses.moments({"x": OTHER[:1]}))
    assert np.isfinite(tape.gradient(loss, features)).all()
