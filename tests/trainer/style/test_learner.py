import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.style import networks
from trainer.style.learner import Learner
from trainer.style.options import NetworkOptions, StyleTrainOptions
from trainer.style.perceptual import Perceptual
from trainer.style.pools import PaintingPool, PhotoPool

OPTIONS = StyleTrainOptions(steps=3, reproduction_steps=2, batch_size=2, crop=32)
SIZE = NetworkOptions(channels=8, blocks=1, code_size=8)


@pytest.fixture(scope="module")
def judge():
    return Perceptual("none", "reflect")


@pytest.fixture(scope="module")
def data(judge):
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    found = judge(crops.astype(np.float32))
    moments = {name: (v.numpy().mean((1, 2)), v.numpy().std((1, 2))) for name, v in found.items()}
    features = rng.normal(0, 1, (4, 5)).astype(np.float32)
    photos = PhotoPool(crops, found["block4_conv1"].numpy().astype(np.float16), features, np.ones(4, np.float32))
    return photos, PaintingPool(np.array([0, 0, 1, 1]), features, moments, {})


def learner(judge, data, seed=1, options=OPTIONS):
    keras.utils.set_random_seed(seed)
    head = networks.code_head(5, SIZE)
    return Learner(networks.transformer(SIZE), head, judge, *data, options, seed=9)


def test_a_resumed_training_goes_on_as_if_it_had_not_stopped(judge, data, tmp_path):
    reproducing = StyleTrainOptions(steps=1, reproduction_steps=9, batch_size=2, crop=32)
    whole = learner(judge, data, options=reproducing)
    for number in range(4):
        if number == 3:
            whole.save(tmp_path / "state.npz", number)
        expected = whole.step(number)
    other = learner(judge, data, seed=2, options=reproducing)
    assert other.restore(tmp_path / "state.npz") == 3
    assert other.step(3)["loss"] == pytest.approx(expected["loss"], rel=1e-3)


def test_without_a_state_it_begins_at_the_beginning(judge, data, tmp_path):
    assert learner(judge, data).restore(tmp_path / "none.npz") == 0


def test_nothing_is_learned_from_a_gradient_that_overflowed(judge, data):
    one = learner(judge, data)
    before = [variable.numpy() for variable in one._variables]
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_sum(variable.value) for variable in one._variables]) * 1e38 * 1e38
    one._apply(tape, loss)
    for variable, value in zip(one._variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_reproduction_comes_first_then_the_perceptual_losses(judge, data):
    one = learner(judge, data)
    assert set(one.step(0)) == {"loss", "reproduction"}
    found = one.step(2)
    assert set(found) == {"loss", "content", "style", "tv", "reproduction"}
    expected = (
        found["content"] + OPTIONS.style_weight * found["style"] + OPTIONS.tv_weight * found["tv"]
        + OPTIONS.reproduction_weight * found["reproduction"]
    )  # fmt: skip
    assert found["loss"] == pytest.approx(expected, rel=1e-4)


def test_a_quarter_of_what_is_learned_from_is_invented(judge, data):
    photos, known = data
    with_invented = dataclasses.replace(known, painting=np.array([0, 0, 1, -1]))
    rng = np.random.default_rng(0)
    drawn = np.concatenate([learner(judge, (photos, with_invented))._draw_styles(rng) for _ in range(60)])
    assert 0.1 < np.mean(drawn == 3) < 0.4
    assert set(drawn) == {0, 1, 2, 3}
    assert set(np.concatenate([learner(judge, data)._draw_styles(rng) for _ in range(20)])) == {0, 1, 2, 3}
