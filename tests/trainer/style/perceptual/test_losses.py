import numpy as np
import pytest
import tensorflow as tf

from trainer.style.perceptual import losses

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


def weave(period, amplitude=12.0):
    """A flat grey photo, a weave of a period in pixels over it; float32 [1, 48, 48, 3] each."""
    flat = np.full((1, 48, 48, 3), 128, np.float32)
    wave = amplitude * np.sin(2 * np.pi * np.arange(48) / period)
    return flat, flat + (wave[:, None] * np.ones(48))[None, ..., None].astype(np.float32)


def test_a_weave_on_a_flat_photo_is_seen_and_grows_with_its_energy():
    flat, _ = weave(4)
    assert float(losses.flat_detail(flat, flat)[0]) == pytest.approx(0, abs=1e-5)
    once, twice = (float(losses.flat_detail(weave(4, a)[1], flat)[0]) for a in (6, 12))
    assert twice == pytest.approx(4 * once, rel=0.02)


def test_broad_strokes_on_a_flat_photo_and_detail_on_detail_are_not_held_against_a_picture():
    flat, woven = weave(4)
    _, broad = weave(32)
    assert losses.flat_detail(broad, flat)[0] < 0.15 * losses.flat_detail(woven, flat)[0]
    _, busy = weave(4, 60)
    assert losses.flat_detail(woven, busy)[0] < 0.01 * losses.flat_detail(woven, flat)[0]


def test_structure_survives_another_brightness_and_dies_with_contrast():
    photo = RNG.uniform(40, 160, (1, 32, 32, 3)).astype(np.float32)
    assert float(losses.structure_distance(photo + 60, photo)[0]) == pytest.approx(0, abs=1e-3)
    faded = photo.mean() + 0.2 * (photo - photo.mean())
    assert 0.5 < float(losses.structure_distance(faded, photo)[0]) < 0.7
    assert float(losses.structure_distance(255 - photo, photo)[0]) > 1.8
