"""How far a figure over few examples can be trusted: 95 % intervals."""

import math

import numpy as np
from scipy import stats

Interval = tuple[float, float]


def of_share(share: float, examples: int) -> Interval | None:
    """Wilson's score interval of a proportion; None without examples.

    Wilson, "Probable inference, the law of succession, and statistical inference" (1927). Unlike the normal interval
    it is no point where all or no examples are right.
    """
    if not examples:
        return None
    z = float(stats.norm.ppf(0.975))
    centre = (share + z**2 / (2 * examples)) / (1 + z**2 / examples)
    half = z / (1 + z**2 / examples) * math.sqrt(share * (1 - share) / examples + z**2 / (4 * examples**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def of_mean(values: np.ndarray) -> Interval | None:
    """Student's interval of a mean; None for fewer than three values, of two it spans thirteen standard errors.

    Args:
      values: float [N].
    """
    if len(values) < 3:
        return None
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    mean = float(np.mean(values))
    return mean - half, mean + half
