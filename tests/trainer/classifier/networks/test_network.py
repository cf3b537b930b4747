import keras
import numpy as np
import pytest

from trainer.base.errors import UserError
from trainer.classifier.networks import network
from trainer.classifier.options import ClassifierOptions
from trainer.networks import backbones

OPTIONS = ClassifierOptions.model_validate(
    {"backbone": {"name": "small_cnn", "weights": "none"}, "image": {"size": 32}}
)


@pytest.fixture(scope="module")
def built():
    return network.build(OPTIONS, classes=4, weights="none")


def test_the_views_share_weights(built):
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    features = built.features(pixels)
    assert features.shape == (2, 32 + 64 + 128)
    np.testing.assert_allclose(built.head(features), built.model(pixels), rtol=1e-5)


def test_the_head_sees_the_last_features_of_each_resolution(built):
    backbone = backbones.build("MobileNetV2", "none", 96)
    ends = network.level_ends(backbone)
    assert ends[-3:] == ["block_6_expand_relu", "block_13_expand_relu", "out_relu"]
    assert [backbone.get_layer(name).output.shape[1] for name in ends[-3:]] == [12, 6, 3]
    coarsest = keras.Model(built.features.input, built.features.get_layer("stage3_relu2").output)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    average = np.mean(coarsest(pixels), axis=(1, 2))
    np.testing.assert_allclose(built.features(pixels)[:, -128:], average, rtol=1e-4, atol=1e-5)


def test_unfreezing_by_name_index_and_fraction_leaves_normalisation_frozen(built):
    layers = built.features.layers
    assert network.unfreeze(built.features, "stage2_conv") == layers.index(built.features.get_layer("stage2_conv"))
    assert {layer.name for layer in layers if layer.trainable and layer.weights} == {
        "stage2_conv",
        "stage2_conv2",
        "stage3_conv",
        "stage3_conv2",
    }
    assert network.unfreeze(built.features, 3) == 3
    assert network.unfreeze(built.features, 0.5) == round(len(layers) / 2)
    assert network.unfreeze(built.features, 0.0) == 0
    assert not any(layer.trainable for layer in layers if isinstance(layer, keras.layers.BatchNormalization))


@pytest.mark.parametrize(("at", "message"), [("conv99", "no layer 'conv99'"), (1000, "outside"), (1.5, "outside")])
def test_layers_that_do_not_exist_are_refused(built, at, message):
    with pytest.raises(UserError, match=message):
        network.unfreeze(built.features, at)
