import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.style.conftest import noise, png, transformed
from trainer import images
from trainer.errors import UserError
from trainer.style import networks, pools
from trainer.style.perceptual import Perceptual


@pytest.fixture(scope="module")
def judge():
    return Perceptual("none", "reflect")


def encode(paintings):
    return tf.reduce_mean(paintings, (1, 2))


def test_images_are_read_in_an_order_of_their_own(tmp_path):
    file = transformed(tmp_path / "a.gz", ["b", "a", "c"])
    found = pools.read([file], 40)
    assert found.names == ["a", "b", "c"]
    np.testing.assert_array_equal(found.pixels[0], noise(40, 40, 1))
    assert len(pools.read([file], 40, limit=2)) == 2
    assert len(pools.read([], 40)) == 0


def test_photo_crops_come_with_their_features(judge):
    photos = pools.Images(np.stack([noise(40, 40, seed) for seed in range(3)]), ["a", "b", "c"])
    pool = pools.photo_pool(photos, 32, 5, judge, encode, np.random.default_rng(0))
    assert pool.crops.shape == (5, 32, 32, 3)
    expected = judge(pool.crops[:1].astype(np.float32), ["block4_conv1"])["block4_conv1"]
    np.testing.assert_allclose(pool.content[:1], expected, rtol=0.01, atol=1.0)
    np.testing.assert_allclose(pool.style_features, pool.crops.mean((1, 2)), atol=1.5)


def test_painting_crops_belong_to_their_painting_and_the_first_is_the_whole(judge):
    paintings = pools.Images(np.stack([noise(40, 40, seed) for seed in range(2)]), ["a", "b"])
    pool = pools.painting_pool(paintings, 2, judge, encode, np.random.default_rng(0), with_gram=True)
    assert pool.painting.tolist() == [0, 0, 1, 1]
    whole = judge(paintings.pixels[1:].astype(np.float32))["block1_conv1"].numpy()
    mean, _ = pool.moments["block1_conv1"]
    np.testing.assert_allclose(mean[2], whole.mean((0, 1, 2)), rtol=1e-3)
    assert pool.gram["block1_conv1"].shape == (4, 64, 64)


def test_a_painting_is_encoded_in_training_as_the_served_model_encodes_it(judge, tiny, served):
    painting = noise(300, 300, 7)

    def encode(paintings):
        return tiny.features(images.resize(paintings, networks.STYLE_SIDE, networks.STYLE_SIDE, "crop"), training=False)

    pool = pools.painting_pool(
        pools.Images(painting[None], ["a"]), 1, judge, encode, np.random.default_rng(0), with_gram=False
    )
    code = served.encode_style(tf.constant([png(painting)]))["style_code"]
    np.testing.assert_allclose(tiny.head(pool.style_features), code, atol=1e-3)


def test_empty_folders_are_named(judge):
    nothing = pools.Images(np.zeros((0, 40, 40, 3), np.uint8), [])
    with pytest.raises(UserError, match=r"style\.photos"):
        pools.photo_pool(nothing, 32, 5, judge, encode, np.random.default_rng(0))
    with pytest.raises(UserError, match=r"style\.paintings"):
        pools.painting_pool(nothing, 2, judge, encode, np.random.default_rng(0), with_gram=False)
