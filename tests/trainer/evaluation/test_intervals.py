"""Bounds against SciPy's exact ones, where they must say nothing, and how often they hold."""

import math

import numpy as np
import pytest
from scipy import stats

from trainer.evaluation.intervals import examples_needed, lower_bound, of_mean, of_share, upper_bound


def paired(better, worse, equal):
    return np.repeat([1.0, -1.0, 0.0], [better, worse, equal])


@pytest.mark.parametrize(("right", "examples"), [(0, 1), (1, 1), (0, 5), (5, 5), (7, 9), (230, 251), (1999, 2000)])
def test_a_share_has_the_interval_of_clopper_and_pearson(right, examples):
    expected = stats.binomtest(right, examples).proportion_ci(method="exact")
    assert of_share(right, examples) == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize("better", range(1, 13))
@pytest.mark.parametrize("worse", [0, 1, 3])
@pytest.mark.parametrize("equal", [0, 10, 400])
def test_paired_outcomes_differ_surely_where_mcnemars_exact_test_says_so(better, worse, equal):
    p = stats.binomtest(better, better + worse, alternative="greater").pvalue
    assert (lower_bound(paired(better, worse, equal), -1.0) > 0) == (p < 0.05)


def test_one_lucky_example_proves_nothing_and_equal_answers_bound_nothing_by_themselves():
    assert lower_bound(np.ones(1), -1.0) < 0
    assert lower_bound(np.zeros(10), -1.0) == pytest.approx(0.05**0.1 - 1)  # three in n, exactly
    assert upper_bound(np.zeros(10), 1.0) == pytest.approx(1 - 0.05**0.1)


def test_the_bound_of_many_values_is_near_the_one_of_student():
    values = np.random.default_rng(1).normal(0.1, 1, 4000)
    expected = stats.ttest_1samp(values, 0, alternative="greater").confidence_interval().low
    assert lower_bound(values, None) == pytest.approx(expected, abs=2e-3)


def test_a_large_gain_on_few_examples_is_told_from_luck():
    """The style distances of eighteen pairs of a network that is four times as good as colour transfer."""
    gains = [-0.05, -0.02, 0.0, 0.06, 0.07, 0.09, 0.1, 0.1, 0.11, 0.17, 0.17, 0.2, 0.2, 0.31, 0.34, 0.34, 0.38, 0.41]
    assert lower_bound(np.array(gains), None) > 0.05


@pytest.mark.parametrize("values", [[], [0.5, 0.2, 0.1], [0.2] * 10, [0.1, math.nan, 0.2, 0.3, 0.4]])
def test_what_tells_nothing_has_no_bound(values):
    assert not lower_bound(np.array(values), None) > -math.inf
    assert of_mean(np.array(values)) is None


def test_very_many_values_are_no_burden():
    values = np.random.default_rng(4).normal(0.1, 1, 300_000)
    assert lower_bound(values, -10.0) == pytest.approx(values.mean() - 1.645 / math.sqrt(300_000), abs=5e-4)


def test_shares_without_examples_have_no_interval():
    assert of_share(0, 0) is None


@pytest.mark.parametrize(
    ("values", "asked", "needed"),
    [
        (paired(1, 0, 0), 0.0, 5),
        (paired(0, 0, 1), -0.05, 59),
        (paired(1, 0, 14), 0.0, 65),
        (paired(3, 2, 10), 0.0, 232),
        (paired(2, 2, 5), 0.0, None),
        (paired(0, 1, 5), -0.05, None),
        (np.array([1.0, math.nan]), 0.0, None),
        (np.zeros(0), -0.05, None),
    ],
)
def test_the_number_of_examples_that_would_tell(values, asked, needed):
    found = examples_needed(values, -1.0, asked)
    assert found == (needed and pytest.approx(needed, rel=0.02))


def test_as_many_examples_as_are_needed_do_tell():
    values = np.random.default_rng(3).normal(0.2, 0.4, 20)
    needed = examples_needed(values, None, 0.0)
    assert lower_bound(np.repeat(values, math.ceil(needed / 20)), None) > 0


@pytest.mark.parametrize("examples", [5, 20, 100])
@pytest.mark.parametrize("chances", [(0.5, 0.0), (0.1, 0.2), (0.02, 0.0), (0.3, 0.3)])
def test_bounds_of_paired_outcomes_hold_as_often_as_they_say(examples, chances):
    """All outcomes, not a sample of them: nothing here is left to chance. In docs/promotion.md there are more."""
    rest = 1 - sum(chances)
    better, worse = np.indices((examples + 1, examples + 1)).reshape(2, -1)
    kept = better + worse <= examples
    better, worse = better[kept], worse[kept]
    likely = stats.multinomial.pmf(np.stack([better, worse, examples - better - worse], 1), examples, [*chances, rest])
    common = likely > 1e-5
    found = [
        lower_bound(paired(b, w, examples - b - w), -1.0) for b, w in zip(better[common], worse[common], strict=True)
    ]
    holds = np.array(found) <= chances[0] - chances[1] + 1e-9
    assert likely[common][holds].sum() >= 0.949


def test_bounds_of_skewed_means_hold_as_often_as_they_say():
    draws = -np.random.default_rng(5).lognormal(0, 0.5, (400, 10))
    held = sum(lower_bound(each, None) <= -math.exp(0.125) for each in draws)
    assert held / len(draws) >= 0.94
