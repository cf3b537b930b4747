"""Intervals against SciPy's own, and where they must say nothing."""

import numpy as np
import pytest
from scipy import stats

from pipeline.pages.report import intervals


@pytest.mark.parametrize(("right", "examples"), [(0, 5), (5, 5), (7, 9), (230, 251)])
def test_a_share_has_wilsons_interval(right, examples):
    expected = stats.binomtest(right, examples).proportion_ci(method="wilson")
    assert intervals.of_share(right / examples, examples) == pytest.approx((expected.low, expected.high))


def test_a_mean_has_students_interval():
    values = np.array([0.1, 0.4, 0.2, 0.25])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert intervals.of_mean(values) == pytest.approx((expected.low, expected.high))


def test_too_few_examples_have_none():
    assert intervals.of_share(0.0, 0) is None
    assert intervals.of_mean(np.array([1.0, 2.0])) is None
