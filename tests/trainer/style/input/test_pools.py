import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.style.conftest import noise, png, transformed
from trainer.base.errors import UserError
from trainer.images import resizing
from trainer.style.input import pools
from trainer.style.networks import networks
from trainer.style.perceptual.network import Perceptual


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


def test_photos_are_seen_near_and_far(judge):
    ramp = np.broadcast_to(np.linspace(0, 200, 128)[:, None, None], (128, 128, 3)).astype(np.uint8)
    pool = pools.photo_pool(pools.Images(ramp[None], ["a"]), 32, 40, judge, encode, np.random.default_rng(0))
    # How much of the ramp a crop shows is how large a part of the photo it was.
    shown = np.ptp(pool.crops[..., 0].astype(float), axis=(1, 2)) / 200
    assert shown.min() < 0.3
    assert shown.max() > 0.85
    assert 0.4 < np.median(shown) < 0.6


def test_invented_paintings_have_shapes_and_colours_of_others():
    red, striped = (np.zeros((40, 40, 3), np.uint8) for _ in range(2))
    red[...], striped[...] = (200, 40, 40), 100
    striped[::2] = 140
    groups = [pools.Images(image[None], ["a"]) for image in (red, striped)]
    made = pools.invent(*groups, 20, np.random.default_rng(0))
    assert made.shape == (20, 40, 40, 3)
    reddish = made[..., 0].mean((1, 2)) > 2 * made[..., 1].mean((1, 2))
    varied = made[..., 0].std((1, 2)) > 5
    assert reddish.any()
    assert varied.any()
    assert not reddish.all()
    np.testing.assert_array_equal(made, pools.invent(*groups, 20, np.random.default_rng(0)))
    assert pools.invent(*groups, 0, np.random.default_rng(0)).shape == (0, 40, 40, 3)


def test_what_is_invented_belongs_to_no_painting(judge):
    paintings = pools.Images(np.stack([noise(40, 40, seed) for seed in range(2)]), ["a", "b"])
    invented = noise(40, 40, 9)[None]
    pool = pools.painting_pool(paintings, 2, judge, encode, np.random.default_rng(0), False, invented)
    assert [crops.tolist() for crops in pool.by_painting] == [[0, 1], [2, 3]]
    assert pool.invented.tolist() == [4]
    np.testing.assert_allclose(pool.style_features[4], invented[0].mean((0, 1)), atol=0.5)


def test_plain_photos_count_less(judge):
    plain = np.full((3, 40, 40, 3), 120, np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None, None]
    photos = pools.Images(np.stack([*plain, *(noise(40, 40, seed) for seed in range(3))]), list("abcdef"))
    pool = pools.photo_pool(photos, 32, 6, judge, encode, np.random.default_rng(0))
    size = np.mean(pool.content.astype(float) ** 2, (1, 2, 3))
    np.testing.assert_allclose(pool.weights, np.minimum(1, size / (0.7 * size.mean())), rtol=1e-2)
    assert pool.weights.max() == 1


def test_photos_without_any_content_have_weights_that_are_numbers():
    photos = pools.Images(np.zeros((2, 40, 40, 3), np.uint8), ["a", "b"])
    nothing = lambda crops, layers: {layers[0]: tf.zeros((len(crops), 4, 4, 8))}  # noqa: E731
    pool = pools.photo_pool(photos, 32, 2, nothing, encode, np.random.default_rng(0))
    assert pool.weights.tolist() == [0, 0]


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
        return tiny.features(
            resizing.resize(paintings, networks.STYLE_SIDE, networks.STYLE_SIDE, "crop"), training=False
        )

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


def test_a_pool_comes_back_from_its_file_with_all_that_it_has(tmp_path):
    rng = np.random.default_rng(2)

    def some(*shape):
        return rng.normal(size=shape).astype(np.float32)

    painting = pools.PaintingPool(
        np.array([0, -1]), some(2, 5), {"a": (some(2, 3), some(2, 3)), "c": (some(2, 4), some(2, 4))}, {}
    )
    photo = pools.PhotoPool(np.zeros((1, 4, 4, 3), np.uint8), some(1, 2, 2, 6).astype(np.float16), some(1, 5), some(1))
    assert pools.kept(tmp_path / "photo.npz", pools.PhotoPool) is None
    for name, pool in (("photo", photo), ("painting", painting)):
        path = tmp_path / f"{name}.npz"
        pools.keep(path, pool)
        found = pools.kept(path, type(pool))
        expected, read = (tf.nest.flatten(vars(each)) for each in (pool, found))
        assert [array.dtype for array in read] == [array.dtype for array in expected]
        for one, other in zip(expected, read, strict=True):
            np.testing.assert_array_equal(one, other)
    assert pools.kept(tmp_path / "painting.npz", pools.PaintingPool).gram == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["painting.npz", "photo.npz"]
