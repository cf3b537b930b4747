import numpy as np
import pytest
import tensorflow as tf

from trainer.style.networks import networks


def test_conditional_instance_norm_in_closed_form():
    rng = np.random.default_rng(2)
    features = rng.normal(3, 2, (2, 6, 5, 4)).astype(np.float32)
    code = rng.normal(0, 1, (2, 3)).astype(np.float32)
    layer = networks.ConditionalInstanceNorm()
    found = layer([features, code]).numpy()
    kernel_scale, bias_scale, kernel_shift, bias_shift = (w.numpy() for w in layer.weights)
    scale, shift = code @ kernel_scale + bias_scale, code @ kernel_shift + bias_shift
    np.testing.assert_allclose(found.mean((1, 2)), shift, atol=1e-4)
    np.testing.assert_allclose(found.std((1, 2)), np.abs(scale), rtol=1e-3)


@pytest.mark.parametrize("width", [1, 2, 8])
def test_mirror_padding_is_numpy_s_reflection(width):
    images = np.random.default_rng(3).normal(size=(2, 9, 12, 3)).astype(np.float32)
    expected = np.pad(images, ((0, 0), (width, width), (width, width), (0, 0)), "reflect")
    np.testing.assert_array_equal(networks.MirrorPadding(width)(images), expected)


def test_every_code_has_the_same_size(tiny):
    features = np.random.default_rng(5).normal(0, 30, (7, tiny.features.output.shape[-1])).astype(np.float32)
    codes = tiny.head(features).numpy()
    np.testing.assert_allclose(np.square(codes).mean(1), 1, rtol=1e-3)
    assert np.abs(codes[0] - codes[1]).max() > 0.1


def test_a_uniform_photo_gives_a_uniform_picture_without_a_frame(tiny):
    painted = tiny.transformer([tf.fill([1, 64, 96, 3], 9.0), tf.ones([1, 8])]).numpy()
    assert painted.min() >= 0
    assert painted.max() <= 255
    assert np.ptp(painted, axis=(1, 2)).max() < 0.01


@pytest.mark.parametrize(("height", "width"), [(64, 96), (20, 44)])
def test_the_picture_has_the_photo_s_size(tiny, height, width):
    assert tiny.transformer([tf.zeros([1, height, width, 3]), tf.zeros([1, 8])]).shape == (1, height, width, 3)


def test_the_code_changes_the_picture(tiny):
    photo = tf.constant(np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32))
    first, second = (tiny.transformer([photo, tf.fill([1, 8], value)]).numpy() for value in (-1.0, 1.0))
    assert np.abs(first - second).mean() > 0.1


def test_standardise_brings_features_to_mean_0_and_bounds_outliers():
    features = np.random.default_rng(1).normal(7, 3, (500, 4)).astype(np.float32)
    layer = networks.Standardise()
    layer.build((None, 4))
    layer.adapt(features)
    np.testing.assert_allclose(np.mean(layer(features), 0), 0, atol=0.01)
    assert float(np.max(layer(features * 1e6))) == 5.0


def test_style_features_begin_with_the_colours_of_the_painting(tiny):
    painting = np.random.default_rng(4).uniform(0, 255, (1, 256, 256, 3)).astype(np.float32)
    found = tiny.features(painting).numpy()[0]
    np.testing.assert_allclose(found[:3], painting.mean((0, 1, 2)) / 255, rtol=1e-3)
    np.testing.assert_allclose(found[3:6], painting.std((0, 1, 2)) / 255, rtol=1e-2)
