import keras
import numpy as np
import pytest

from pipeline.planning import weights
from trainer.base.errors import UserError
from trainer.networks import backbone_table, backbones


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype("float32")


@pytest.fixture(scope="module")
def small():
    return backbones.build("small_cnn", "none", 64)


def test_every_row_names_something_that_builds():
    for row in backbone_table.TABLE.values():
        assert ":" in row.builder or callable(getattr(keras.applications, row.builder)), row


@pytest.mark.parametrize("name", ["mobilenet_v2", "MobileNet-V2", "MOBILENETV2"])
def test_spelling_does_not_matter(name):
    assert backbone_table.find(name).name == "MobileNetV2"


def test_unknown_names_get_the_nearest_offered():
    with pytest.raises(UserError, match=r"'EficientNetB1' does not exist; did you mean EfficientNetB1"):
        backbone_table.find("EficientNetB1")


def test_a_backbone_takes_pixels_and_gives_a_feature_map(small, pixels):
    assert small(pixels).shape == (1, 4, 4, 128)
    # Flat, so that layers can be found by name and frozen one by one.
    assert not [layer for layer in small.layers if isinstance(layer, keras.Model)]


@pytest.mark.parametrize(
    ("name", "layer", "reference"),
    [
        ("MobileNet-0.25", "scale_to_one", keras.applications.mobilenet.preprocess_input),
        ("VGG19", "subtract_means", keras.applications.vgg19.preprocess_input),
    ],
)
def test_pixels_are_scaled_as_the_weights_expect(name, layer, reference, pixels):
    model = backbones.build(name, "none")
    scaled = keras.Model(model.input, model.get_layer(layer).output)(pixels)
    np.testing.assert_allclose(scaled, reference(pixels.copy()), atol=1e-4)


@pytest.mark.parametrize("suffix", ["weights.h5", "h5"])
def test_weights_come_from_both_of_keras_formats(small, pixels, tmp_path, suffix):
    path = str(tmp_path / f"small.{suffix}")
    small.save(path) if suffix == "h5" else small.save_weights(path)
    np.testing.assert_allclose(backbones.build("small_cnn", path, 64)(pixels), small(pixels), rtol=1e-5)


def test_weights_of_another_architecture_are_refused_naming_the_layer(small, tmp_path):
    small.save(tmp_path / "small.h5")
    with pytest.raises(
        UserError, match=r"small.h5 is for another architecture .* layer conv1 needs \[\(3, 3, 3, 8\)\]"
    ):
        backbones.build("MobileNet-0.25", str(tmp_path / "small.h5"))


def test_weights_of_another_architecture_in_the_newer_format_are_refused(small, tmp_path):
    small.save_weights(tmp_path / "small.weights.h5")
    with pytest.raises(UserError, match=r"small.weights.h5 does not fit"):
        backbones.build("MobileNet-0.25", str(tmp_path / "small.weights.h5"))


def test_files_that_are_absent_or_no_weights_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"absent.h5 is not a file"):
        backbones.build("small_cnn", str(tmp_path / "absent.h5"))
    (tmp_path / "text.h5").write_text("not weights")
    with pytest.raises(UserError, match=r"text.h5 is not an HDF5 file"):
        backbones.build("small_cnn", str(tmp_path / "text.h5"))


@pytest.mark.parametrize(
    "failure", [Exception("URL fetch failure on https://x: None -- refused"), ConnectionError("x")]
)
def test_no_network_says_what_to_do_instead(monkeypatch, failure):
    def refuse(**_):
        raise failure

    monkeypatch.setattr(keras.applications, "MobileNetV2", refuse)
    with pytest.raises(UserError, match=r"imagenet for MobileNetV2 could not be downloaded.*weights: PATH"):
        backbones.build("MobileNetV2", "imagenet")


@pytest.mark.parametrize(("name", "size"), [("MobileNet-0.25", 160), ("MobileNetV2", 96), ("MobileNetV3Small", 64)])
@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
def test_what_keras_asks_for_is_what_the_lookup_asks_for(monkeypatch, name, size):
    def record(file, origin, **_):
        raise UserError(f"{file} {origin}")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", record)
    with pytest.raises(UserError) as asked:
        backbones.build(name, "imagenet", size)
    row = backbone_table.find(name)
    assert str(asked.value) == f"{row.published[1]} {weights.address(row)}"


def test_small_cnn_has_no_imagenet_weights():
    with pytest.raises(UserError, match="small_cnn"):
        backbones.build("small_cnn", "imagenet")


def test_a_persons_own_backbone_is_found_by_its_import_path():
    assert backbones.build("trainer.networks.small_cnn:small_cnn", "none", 32).output.shape == (None, 2, 2, 128)
    with pytest.raises(UserError, match="cannot be imported"):
        backbones.build("trainer.networks.small_cnn:no_such_function", "none")


@pytest.mark.assets
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("MobileNetV2", "mobilenet_v2_1.0_224_notop_dequant_qat.h5"),
        ("MobileNet-0.25", "mobilenet_2_5_224_tf_no_top.h5"),
        ("VGG19", "vgg19_imagenet_notop_hybrid.h5"),
    ],
)
def test_published_weights_load(assets, pixels, name, file):
    output = backbones.build(name, str(assets / "weights" / file), 64)(pixels)
    assert np.isfinite(output).all()
    assert np.std(output) > 0
