import keras
import numpy as np
import pytest

from trainer.networks import backbones, folding


def randomised(model):
    """With weights that tell the layers' parts from one another; variances are positive."""
    rng = np.random.default_rng(0)
    model.set_weights(
        [rng.uniform(0.5, 1.5, w.shape) if "variance" in w.path else rng.normal(0, 0.3, w.shape) for w in model.weights]
    )
    return model


def norms(model):
    return [layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"strides": 2, "padding": "same", "groups": 2}])
@pytest.mark.parametrize("norm", [{}, {"scale": False}, {"center": False, "epsilon": 0.01}])
def test_a_convolution_takes_its_normalisation(options, norm):
    pixels = keras.Input((9, 9, 4))
    x = keras.layers.Conv2D(6, 3, **options)(pixels)
    x = keras.layers.BatchNormalization(**norm)(x)
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = keras.layers.BatchNormalization(**norm)(x)
    model = randomised(keras.Model(pixels, keras.layers.ReLU(6.0)(x)))
    fast = folding.folded(model)
    images = np.random.default_rng(1).normal(size=(2, 9, 9, 4)).astype("f")
    assert norms(fast) == []
    np.testing.assert_allclose(fast(images), model(images, training=False), rtol=1e-4, atol=1e-5)


def test_what_others_read_or_bends_the_output_stays():
    pixels = keras.Input((5, 5, 3))
    bent = keras.layers.Conv2D(3, 1, activation="relu")(pixels)
    bent = keras.layers.BatchNormalization(name="bent")(bent)
    read = keras.layers.Conv2D(3, 1)(pixels)
    twice = keras.layers.BatchNormalization(name="read_by_two")(read)
    out = keras.layers.Conv2D(3, 1)(bent)
    last = keras.layers.BatchNormalization(name="convolution_is_an_output")(out)
    model = randomised(keras.Model(pixels, [keras.layers.Add()([twice, read]), last, out]))
    assert folding.folded(model) is model


def test_other_layers_are_shared_and_the_model_is_as_it_was():
    model = randomised(keras.Model((pixels := keras.Input((8, 8, 3))), _tail(pixels)))
    before, images = model.get_weights(), np.ones((1, 8, 8, 3), "f")
    answer = model(images, training=False)
    first, second = folding.folded(model), folding.folded(model)
    assert first.get_layer("head") is model.get_layer("head")
    assert norms(model)
    assert not norms(second)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(model(images, training=False), answer)
    np.testing.assert_allclose(second(images), answer, rtol=1e-4, atol=1e-5)


def _tail(pixels):
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(pixels))
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="head")(
        keras.layers.GlobalAveragePooling2D()(x)
    )


def test_all_of_mobilenet_is_folded():
    model = randomised(backbones.build("MobileNetV2", "none", 32))
    images = np.random.default_rng(2).uniform(0, 255, (1, 32, 32, 3)).astype("f")
    fast = folding.folded(model)
    assert len(norms(model)) == 52
    assert norms(fast) == []
    answer = model(images, training=False).numpy()
    assert answer.std() > 0
    np.testing.assert_allclose(fast(images), answer, rtol=1e-3, atol=1e-4 * np.abs(answer).max())
