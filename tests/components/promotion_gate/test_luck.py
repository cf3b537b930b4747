import numpy as np
import pytest

from components.promotion_gate import sentences
from components.promotion_gate.luck import Metric, gains, over_trivials, probable_loss
from trainer.evaluation.rules import Rule
from trainer.evaluation.trivial import Trivial


def outcomes(**values):
    keys = [f"{number:02d}".encode() for number in range(len(next(iter(values.values()))))]
    kind = [("key", "S2"), *((name, "f4") for name in values)]
    return np.array(list(zip(keys, *values.values(), strict=True)), kind)


def test_examples_are_paired_by_key_and_better_is_positive():
    ours = outcomes(accuracy=[1, 0, 1, 1], style_distance=[0.1, 0.2, 0.3, 0.4])
    theirs = outcomes(accuracy=[0, 0, 1], style_distance=[0.4, 0.1, 0.3])[::-1]
    np.testing.assert_array_equal(gains(ours, theirs, Metric("accuracy", "higher")), [1, 0, 0])
    np.testing.assert_allclose(gains(ours, theirs, Metric("style_distance", "lower")), [0.3, -0.1, 0], atol=1e-6)


@pytest.mark.parametrize(("ours", "theirs"), [(None, outcomes(accuracy=[1])), (outcomes(accuracy=[1]), None)])
def test_without_outcomes_there_is_nothing_to_compare(ours, theirs):
    assert len(gains(ours, theirs, Metric("accuracy", "higher"))) == 0


def test_a_metric_that_no_example_has_is_not_compared():
    assert len(gains(outcomes(accuracy=[1]), outcomes(accuracy=[1]), Metric("macro_f1", "higher"))) == 0


@pytest.mark.parametrize("examples", [3, 4, 40])
def test_pictures_that_are_the_champions_own_lose_nothing_once_there_are_some(examples):
    same = outcomes(style_distance=[0.1 * i for i in range(examples)])
    found = probable_loss(Metric("style_distance", "lower"), same, same, 0.05)
    assert found.passed == (examples >= 4)


def test_without_trivial_models_it_is_said_that_none_was_measured():
    [found] = over_trivials(Metric("accuracy", "higher"), 0.9, None, [], Rule(beats_trivial_by=0.05))
    assert (found.passed, found.text) == (False, "a trivial model's accuracy was not measured")


def test_a_difference_that_is_noise_is_no_difference():
    text = sentences.margin("accuracy", 0.9, 0.9 - 1e-9, "a linear model's", 1e-9, 0.05, passed=False)
    assert text == "accuracy 0.9 is no better than a linear model's 0.9 (at least 0.05 better is asked for)"


def test_the_noise_of_floating_point_numbers_is_no_sure_gain():
    metric = Metric("style_distance", "lower")
    own = outcomes(style_distance=np.full(50, 0.1) + 1e-8 * np.arange(50))
    other = Trivial("identity", {"style_distance": 0.1 + 3e-7}, outcomes(style_distance=np.full(50, 0.1 + 3e-7)))
    checks = list(over_trivials(metric, 0.1, own, [other], Rule(beats_trivial_by=0.0)))
    assert (checks[1].rule, checks[1].passed) == ("beats_trivial_surely", False)
