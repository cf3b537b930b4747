import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.style.perceptual.network import STYLE_LAYERS, Perceptual


@pytest.fixture(scope="module")
def image():
    return tf.constant(np.random.default_rng(1).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32))


def test_random_weights_are_the_same_in_every_process(image):
    keras.utils.set_random_seed(1)
    first = Perceptual("none")(image)
    keras.utils.set_random_seed(2)
    second = Perceptual("none")(image)
    for name in STYLE_LAYERS:
        np.testing.assert_array_equal(first[name], second[name])
        assert first[name].numpy().std() > 0.1


def test_reflection_treats_the_border_of_one_colour_like_its_middle():
    grey = tf.fill([1, 32, 32, 3], 180.0)
    features = Perceptual("none", "reflect")(grey)["block4_conv1"].numpy()
    assert features.std((1, 2)).max() < 1e-3 * features.max()
    zeros = Perceptual("none", "zero")(grey)["block4_conv1"].numpy()
    assert zeros.std((1, 2)).max() > 0.05 * zeros.max()


@pytest.mark.assets
def test_equals_keras_vgg19_with_its_own_preprocessing(image, assets):
    path = str(assets / "weights/vgg19_imagenet_notop_hybrid.h5")
    vgg = keras.applications.VGG19(include_top=False, weights=path, input_shape=(32, 32, 3))
    reference = keras.Model(vgg.input, [vgg.get_layer(name).output for name in STYLE_LAYERS])
    expected = reference(keras.applications.vgg19.preprocess_input(image.numpy().copy()))
    found = Perceptual(path)(image)
    for name, values in zip(STYLE_LAYERS, expected, strict=True):
        np.testing.assert_allclose(found[name], values, rtol=1e-3, atol=1e-2)
