import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.style.networks import networks
from trainer.style.options import StyleTrainOptions
from trainer.style.training import memory
from trainer.style.training.learner import Learner


def encode(paintings):
    """Five numbers of a painting."""
    means = tf.reduce_mean(tf.cast(paintings, tf.float32), (1, 2)) / 127.5 - 1
    return tf.concat([means, means[:, :2] ** 2], 1)


def pair(options, seed):
    keras.utils.set_random_seed(seed)
    return networks.transformer(options), networks.code_head(5, options)


def test_every_fifth_code_is_kept_back_and_the_others_are_rehearsed_mixed_or_not():
    codes = np.eye(11, dtype=np.float32)
    rehearsed, kept_back = memory.split(codes)
    np.testing.assert_array_equal(kept_back, codes[[0, 5, 10]])
    drawn = memory.Rehearsal(None, None, rehearsed).draw(400, np.random.default_rng(0))
    assert drawn.shape == (400, 11)
    assert not drawn[:, [0, 5, 10]].any()
    np.testing.assert_allclose(drawn.sum(1), 1, atol=1e-6)
    assert 0.3 < np.mean(drawn.max(1) == 1) < 0.7
    one, same = memory.split(codes[:1])
    assert len(one) == len(same) == 1
    assert all(len(part) == 0 for part in memory.split([]))


def test_a_network_that_stayed_as_it_was_forgot_nothing_and_another_did(tiny, judge):
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    paintings = rng.integers(0, 256, (1, 40, 40, 3), dtype=np.uint8)
    codes = rng.normal(size=(2, 8)).astype(np.float32)
    first, other = pair(tiny.options, 1), pair(tiny.options, 2)
    same = memory.measure((first, first), codes, paintings, photos, encode, judge)
    assert same.forgetting == pytest.approx(0, abs=1e-6)
    assert same.before > 0
    assert same.paintings == 3
    assert memory.measure((first, other), codes, paintings[:0], photos, encode, judge).forgetting > 0.1
    assert memory.measure((first, first), codes[:0], paintings[:0], photos, encode, judge) is None
    assert memory.measure((first, first), codes, paintings, photos[:1], encode, judge) is None


def test_what_is_rehearsed_stays_nearer_to_what_it_was(tiny, judge, data):
    photos, _ = data
    codes = np.random.default_rng(1).normal(size=(4, 8)).astype(np.float32)

    def drift(weight):
        transformer, head = pair(tiny.options, 1)
        then = pair(tiny.options, 1)
        options = StyleTrainOptions(steps=30, batch_size=2, crop=32, rehearsal_weight=weight, learning_rate=2e-3)
        rehearsal = memory.Rehearsal(*then, codes)
        learner = Learner(transformer, head, judge, *data, options.settled(warm=True), 9, rehearsal)
        for number in range(30):
            assert ("rehearsal" in learner.step(number)) == (weight > 0)
        content = tf.cast(photos.crops, tf.float32)
        asked = [content, tf.constant(codes)]
        difference = transformer(asked) - then[0](asked)
        return float(tf.reduce_mean(tf.abs(difference)))

    assert drift(20.0) < 0.7 * drift(0.0)
