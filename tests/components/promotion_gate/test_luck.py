import numpy as np
import pytest

from components.promotion_gate.luck import Metric, gains


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
