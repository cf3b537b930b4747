import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from trainer.base.errors import UserError
from trainer.style.perceptual import light, losses
from trainer.style.perceptual.network import CONTENT_LAYER, STYLE_LAYERS, Perceptual
from trainer.style.perceptual.vgg19 import BGR_MEANS


@pytest.fixture(scope="module")
def shipped():
    return Perceptual("light", "reflect")


def texture(seed, period=6.0, colour=(200, 80, 40)):
    """A crop of soft stripes, float32 [1, 64, 64, 3]: those of one period and colour are alike in style."""
    rng = np.random.default_rng(seed)
    down, right = np.mgrid[:64, :64] + rng.uniform(0, 50, 2)[:, None, None]
    waves = 0.5 + 0.5 * np.sin(2 * np.pi * (down + 0.5 * right) / period)
    return (
        (waves[..., None] * np.array(colour, np.float32) + rng.normal(0, 3, (64, 64, 3))).clip(0, 255)[None].astype("f")
    )


def naive(image, weights):
    """The network as loops over NumPy arrays: [H, W, 3] -> layer name -> [h, w, C]."""
    x, found = image[..., ::-1] - np.array(BGR_MEANS), {}
    for name, size, stride, _, _ in light.TABLE:
        kernel, bias = weights[f"{name}/kernel"].astype(float), weights[f"{name}/bias"].astype(float)
        padded = np.pad(x, [(1, 1), (1, 1), (0, 0)], mode="reflect") if size > 1 else x
        rows, columns = ((length - size) // stride + 1 for length in padded.shape[:2])
        made = np.zeros((rows, columns, kernel.shape[-1]))
        for i in range(rows):
            for j in range(columns):
                window = padded[i * stride : i * stride + size, j * stride : j * stride + size]
                made[i, j] = np.tensordot(window, kernel, 3)
        x = found[name] = np.maximum(made + bias, 0)
    return found


def test_layers_have_vgg19s_names_channels_and_at_the_last_its_size(shipped):
    image = tf.random.Generator.from_seed(1).uniform([2, 50, 37, 3], 0, 255)
    found, vgg19 = shipped(image), Perceptual("none")(image)
    assert list(found) == list(STYLE_LAYERS)
    for name, values in found.items():
        assert values.dtype == tf.float32
        assert np.isfinite(values).all()
        assert values.shape[-1] == vgg19[name].shape[-1]
    assert found[CONTENT_LAYER].shape == vgg19[CONTENT_LAYER].shape
    assert list(shipped(image, [CONTENT_LAYER])) == [CONTENT_LAYER]


def test_it_computes_what_loops_compute():
    rng = np.random.default_rng(3)
    weights = light.initial(rng.normal(0, 0.1, (3, 3, 3, 64)), rng.normal(0, 1, 64), 5)
    image = rng.uniform(0, 255, (18, 16, 3)).astype(np.float32)
    expected = naive(image, weights)
    for name, values in light.Light(weights, "reflect")(tf.constant(image[None])).items():
        np.testing.assert_allclose(values[0], expected[name], rtol=1e-3, atol=1e-3 * expected[name].max())


def test_its_first_layer_is_vgg19s_at_a_quarter_of_the_positions():
    rng = np.random.default_rng(4)
    kernel, image = rng.normal(0, 1, (3, 3, 3, 64)).astype("f"), rng.uniform(0, 255, (1, 11, 8, 3)).astype("f")
    weights = light.initial(kernel, np.zeros(64), 1)
    found = light.Light(weights, "zero")(tf.constant(image), ["block1_conv1"])["block1_conv1"]
    whole = tf.nn.relu(tf.nn.conv2d(image[..., ::-1] - np.array(BGR_MEANS, "f"), kernel, 1, "SAME"))
    np.testing.assert_allclose(found, light.at_phases(whole), rtol=1e-4, atol=0.01)
    for channel, (down, right) in enumerate(light.phases(64)):
        np.testing.assert_allclose(found[..., channel], whole[:, down:10:2, right:8:2, channel], rtol=1e-4, atol=0.01)


def test_each_position_is_seen_by_as_many_channels():
    assert np.unique(light.phases(128), axis=0, return_counts=True)[1].tolist() == [32, 32, 32, 32]


def test_distances_of_the_shipped_network_are_ordered_as_one_sees_them(shipped):
    photo = texture(1)
    own = shipped(photo)
    noise = np.random.default_rng(2).normal(0, 1, photo.shape)
    content = [
        float(
            losses.content_distance(
                shipped(np.clip(photo + sigma * noise, 0, 255).astype("f"))[CONTENT_LAYER], own[CONTENT_LAYER]
            )[0]
        )
        for sigma in (0, 10, 40, 120)
    ]
    assert content[0] == 0
    assert content == sorted(content)

    def style(other):
        return float(losses.style_distance(losses.moments(shipped(other)), losses.moments(own))[0])

    assert style(photo) == 0
    assert style(texture(5)) < style(texture(5, period=12.0))
    assert style(texture(5)) < style(texture(5, colour=(40, 80, 200)))


def test_it_is_small_and_its_card_lies_beside_it():
    assert (light.FOLDER / light.WEIGHTS).stat().st_size < 3e6
    assert set(json.loads((light.FOLDER / "manifest.json").read_text())["files"]) == {light.WEIGHTS, "card.md"}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / light.WEIGHTS).write_bytes(b"\0" * 100), "damaged or exchanged"),
        (lambda folder: (folder / light.WEIGHTS).unlink(), "missing; install easel again"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "not a manifest"),
        (lambda folder: shutil.rmtree(folder), "no perceptual network is installed"),
    ],
)
def test_what_is_damaged_is_named(damage, message, tmp_path):
    folder = tmp_path / "shipped"
    shutil.copytree(light.FOLDER, folder)
    damage(folder)
    with pytest.raises(UserError, match=message) as error:
        light.shipped_weights(folder)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_newer_file_and_one_of_another_shape_are_told_apart(tmp_path):
    path = tmp_path / light.WEIGHTS
    save_file({"a": np.zeros(1, np.float16)}, path, metadata={"format": "99", "light": "1"})
    with pytest.raises(UserError, match="format 99 is newer"):
        light.read(path)
    save_file({"a": np.zeros(1, np.float16)}, path, metadata={"format": "1", "light": "1"})
    with pytest.raises(UserError, match="of another shape"):
        light.read(path)


def test_weights_come_back_as_float16_has_them(tmp_path):
    weights = light.initial(np.full((3, 3, 3, 64), 0.1), np.ones(64), 2)
    light.write(tmp_path / light.WEIGHTS, weights)
    for name, value in light.read(tmp_path / light.WEIGHTS).items():
        np.testing.assert_array_equal(value, weights[name].astype(np.float16).astype(np.float32))
