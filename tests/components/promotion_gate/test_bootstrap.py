import numpy as np
import pytest
from scipy import stats

from components.promotion_gate.bootstrap import gains, lower_bound


def outcomes(**values):
    keys = [f"{number:02d}".encode() for number in range(len(next(iter(values.values()))))]
    kind = [("key", "S2"), *((name, "f4") for name in values)]
    return np.array(list(zip(keys, *values.values(), strict=True)), kind)


def test_examples_are_paired_by_key_and_better_is_positive():
    ours = outcomes(accuracy=[1, 0, 1, 1], distance=[0.1, 0.2, 0.3, 0.4])
    theirs = outcomes(accuracy=[0, 0, 1], distance=[0.4, 0.1, 0.3])[::-1]
    np.testing.assert_array_equal(gains(ours, theirs, "accuracy", "higher"), [1, 0, 0])
    np.testing.assert_allclose(gains(ours, theirs, "distance", "lower"), [0.3, -0.1, 0], atol=1e-6)


def test_the_bound_is_near_the_one_of_student():
    values = np.random.default_rng(1).normal(0.1, 1, 400)
    expected = values.mean() - stats.t.ppf(0.95, 399) * stats.sem(values)
    assert lower_bound(values) == pytest.approx(expected, abs=0.02)


def test_equal_models_differ_by_nothing_and_nothing_is_known_without_examples():
    assert lower_bound(np.zeros(5)) == 0.0
    assert lower_bound(np.zeros(0)) == -np.inf
    assert np.isnan(lower_bound(np.array([1.0, np.nan])))


def test_equally_good_models_are_rarely_called_surely_better():
    rng = np.random.default_rng(2)
    promoted = sum(lower_bound(rng.binomial(1, 0.3, 60) - rng.binomial(1, 0.3, 60)) > 0 for _ in range(40))
    assert promoted <= 5
