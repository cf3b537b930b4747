import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.style.networks import networks
from trainer.style.options import NetworkOptions, StyleTrainOptions
from trainer.style.training.learner import Learner

OPTIONS = StyleTrainOptions(steps=3, reproduction_steps=2, batch_size=2, crop=32).settled(warm=False)
SIZE = NetworkOptions(channels=8, blocks=1, code_size=8)


def learner(judge, data, seed=1, options=OPTIONS):
    keras.utils.set_random_seed(seed)
    head = networks.code_head(5, SIZE)
    return Learner(networks.transformer(SIZE), head, judge, *data, options, seed=9)


def test_a_resumed_training_goes_on_as_if_it_had_not_stopped(judge, data, tmp_path):
    reproducing = OPTIONS.model_copy(update={"steps": 1, "reproduction_steps": 9})
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


def test_a_third_of_what_is_learned_from_is_invented(judge, data):
    photos, known = data
    with_invented = dataclasses.replace(known, painting=np.array([0, 0, 1, -1]))
    rng = np.random.default_rng(0)
    one, without = learner(judge, (photos, with_invented)), learner(judge, data)
    drawn = np.concatenate([one._draw_styles(rng) for _ in range(60)])
    assert 0.1 < np.mean(drawn == 3) < 0.4
    assert set(drawn) == {0, 1, 2, 3}
    assert set(np.concatenate([without._draw_styles(rng) for _ in range(20)])) == {0, 1, 2, 3}


@pytest.fixture(scope="module")
def with_all_losses(judge, data):
    """A learner of all losses and of mixed styles; building its graph takes seconds."""
    more = {"structure_weight": 0.5, "flat_weight": 2.0, "stability_weight": 3.0, "mixed_share": 1.0}
    return learner(judge, data, options=OPTIONS.model_copy(update=more))


def test_each_weight_brings_its_own_loss(with_all_losses):
    one = with_all_losses
    found = one.step(2)
    weights = {name: getattr(one._options, f"{name}_weight") for name in set(found) - {"loss"}}
    assert {"structure", "flat", "stability"} <= set(weights)
    assert found["loss"] == pytest.approx(sum(weight * found[name] for name, weight in weights.items()), rel=1e-4)


def test_a_mixed_style_is_asked_for_the_mix_of_both_statistics(with_all_losses, data, monkeypatch):
    one = with_all_losses
    asked = []
    paint = one._paint

    def record(*given):
        asked.append(given)
        return paint(*given)

    monkeypatch.setattr(one, "_paint", record)
    one.step(2)
    styles, moments = asked[0][3:5]
    name = "block1_conv1"
    known = data[1].moments[name][0]
    index = [int(np.abs(data[1].style_features - row).sum(1).argmin()) for row in styles.features.numpy()]
    other = [int(np.abs(data[1].style_features - row).sum(1).argmin()) for row in styles.others.numpy()]
    share = styles.shares.numpy()
    assert ((share > 0) & (share < 1)).all()
    np.testing.assert_allclose(moments[name][0], share * known[index] + (1 - share) * known[other], rtol=1e-5)
    codes = one._codes(styles).numpy()
    pure = [one._codes(styles._replace(shares=np.full((2, 1), value, np.float32))).numpy()[:2] for value in (1, 0)]
    np.testing.assert_allclose(codes[:2], share * pure[0] + (1 - share) * pure[1], atol=1e-4)
