"""How far a figure over few examples can be trusted: bounds and intervals of means that hold at any number of examples.

There is one method for shares, paired differences and other means. Take the sample and one more value, the worst that
there can be, and weigh them at random with weights that sum to 1 (a flat Dirichlet distribution): the quantile of the
weighted mean is the bound. Gaffke, "Three test statistics for a nonparametric one-sided hypothesis on the mean of a
nonnegative variable" (2005); Learned-Miller and Thomas, "A new confidence interval for the mean of a bounded random
variable" (2019, arXiv:1905.06208). Of zeros and ones it is exactly the bound of Clopper and Pearson (1934); of paired
differences of zeros and ones it lies above 0 exactly where McNemar's exact test (1947) says so. Where values have no
bound no method can hold for all of them (Bahadur and Savage 1956): the worst value is then taken to lie below the worst
one seen by 12 / N spreads of the sample, two at most, which is what long tails take. `tests.benchmarks.coverage` counts
how often the bounds hold; docs/promotion.md has its table.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy import optimize

CONFIDENCE = 0.95
FEWEST = 4
"""Fewer values without a known range bound nothing."""

_SPREADS, _MOST_SPREADS = 12, 2
"""Spreads of the sample between the worst value seen and the worst there may be: the first over N, or the second."""
_NODES = 256
_LEVELS = 2**14
"""More distinct values are rounded down to so many: memory is bounded, and the bound errs on the safe side."""
_ENDLESS = math.log(1e9)


class Interval(NamedTuple):
    """Between these the mean of the population lies with 95 % confidence."""

    low: float
    high: float


def lower_bound(values: np.ndarray, lowest: float | None, confidence: float = CONFIDENCE) -> float:
    """The mean of the population is above this with the confidence asked for, one-sided.

    Args:
        values: float [N], an independent sample. Of paired outcomes these are the differences, in which the difficulty
            of each example cancels.
        lowest: below which no value can be; None where that is not known.
        confidence: 0..1.

    Returns:
        The bound, NaN when a value is; -inf where the sample is too small to tell: without values, or where `lowest` is
        None with fewer than `FEWEST` or with nothing but equal ones.
    """
    return _bound(*_weighed(values), lowest, confidence)


def upper_bound(values: np.ndarray, highest: float | None, confidence: float = CONFIDENCE) -> float:
    """The mean of the population is below this; like `lower_bound`, inf where the sample is too small to tell."""
    return -lower_bound(-np.asarray(values, float), None if highest is None else -highest, confidence)


def of_mean(values: np.ndarray, lowest: float | None = None, highest: float | None = None) -> Interval | None:
    """The interval of a mean, two-sided, 95 %; None where the sample is too small to tell.

    The values, float [N], are an independent sample; the bounds of a single value are None where they are not known.
    """
    one_sided = (1 + CONFIDENCE) / 2
    found = Interval(lower_bound(values, lowest, one_sided), upper_bound(values, highest, one_sided))
    return found if all(map(math.isfinite, found)) else None


def of_share(right: int, examples: int) -> Interval | None:
    """The interval of Clopper and Pearson for the share of right ones among the examples; None without examples."""
    return of_mean(np.repeat([1.0, 0.0], [right, examples - right]), 0.0, 1.0)


def examples_needed(values: np.ndarray, lowest: float | None, asked: float) -> int | None:
    """About how many examples it takes, if all are like these, for `lower_bound` to be above `asked`.

    `asked` is what the bound is to reach; all else is as in `lower_bound`.

    Returns:
        The number; None where the mean of the sample is not above `asked`, so that more of the same would not help (or
        not before there are a billion), or where the sample says nothing (empty, not finite, or equal values of unknown
        range).
    """
    values, counts = _weighed(values)
    total = counts.sum()
    if not total or not values @ counts / total > asked or (lowest is None and len(values) == 1):
        return None

    def short(logarithm: float) -> bool:
        return not _bound(values, counts * (math.exp(logarithm) / total), lowest, CONFIDENCE) > asked

    low, high = math.log(FEWEST), math.log(FEWEST) + 1
    while short(high):
        low, high = high, high + 1
        if low > _ENDLESS:
            return None
    while math.exp(high) - math.exp(low) > max(0.5, 0.005 * math.exp(high)):
        middle = (low + high) / 2
        low, high = (middle, high) if short(middle) else (low, middle)
    return math.ceil(math.exp(high))


def _weighed(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values, ascending, and how often each occurs, as floats."""
    found, counts = np.unique(np.asarray(values, float), return_counts=True)
    if len(found) > _LEVELS and not np.isnan(found[-1]):
        level = (found[-1] - found[0]) / _LEVELS
        below = found[0] + level * np.floor((found - found[0]) / level)
        found, groups = np.unique(below, return_inverse=True)
        counts = np.bincount(groups, counts)
    return found, counts.astype(float)


def _bound(values: np.ndarray, counts: np.ndarray, lowest: float | None, confidence: float) -> float:
    if not len(values) or np.isnan(values[-1]):
        return math.nan if len(values) else -math.inf
    if lowest is None:
        if counts.sum() < FEWEST or len(values) == 1:
            return -math.inf
        lowest = values[0] - min(_SPREADS / counts.sum(), _MOST_SPREADS) * (values[-1] - values[0])
    lowest = min(lowest, values[0])
    if lowest == values[-1]:
        return float(lowest)
    points, weights = np.append(values, lowest), np.append(counts, 1.0)
    mean, deviation = _moments(points, weights)
    # Cantelli's inequality: no quantile is further from the mean, and farther away the integral would be hard.
    least = max(lowest, mean - deviation * math.sqrt(confidence / (1 - confidence)))
    most = min(values[-1], mean + deviation * math.sqrt((1 - confidence) / confidence))
    return float(optimize.brentq(lambda point: _above(points - point, weights) - confidence, least, most))


def _moments(points: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the mean of `points` with Dirichlet(`weights`) weights."""
    total = weights.sum()
    mean = float(points @ weights / total)
    return mean, math.sqrt(float((points - mean) ** 2 @ weights) / (total * (total + 1)))


def _above(distances: np.ndarray, counts: np.ndarray) -> float:
    """How probable it is that the weighted mean is above the point that the values have these distances from.

    Dirichlet weights are exponential variables divided by their sum, so the question is how probable a positive sum of
    `distances` times Gamma(`counts`) variables is: by Gil-Pelaez (1951) an integral over its characteristic function.
    """
    at, step = _nodes()
    scaled = at[:, np.newaxis] * (distances / math.sqrt(counts @ distances**2))
    size = np.exp(-np.log1p(scaled**2) @ counts / 2)
    return 0.5 + float(step @ (size * np.sin(np.arctan(scaled) @ counts) / at)) / math.pi


@functools.cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights [_NODES] for an integral from 0 to infinity."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    part = (nodes + 1) / 2
    return 2 * part / (1 - part), weights / (1 - part) ** 2
