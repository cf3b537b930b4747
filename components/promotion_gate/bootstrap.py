"""How sure a difference between two models is: the paired bootstrap over eval examples."""

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2000
_SEED = 0


def gains(candidate: np.ndarray, other: np.ndarray, metric: str, direction: str) -> np.ndarray:
    """By how much the candidate is better on each example that both models were measured on.

    Args:
      candidate, other: of `trainer.evaluation.read_outcomes`.
      metric: a field of both.
      direction: `higher` or `lower`, whichever is better.

    Returns:
      float64 [N], negative where the candidate is worse.
    """
    _, ours, theirs = np.intersect1d(candidate["key"], other["key"], return_indices=True)
    difference = candidate[metric][ours].astype(float) - other[metric][theirs]
    return difference if direction == "higher" else -difference


def lower_bound(values: np.ndarray) -> float:
    """The mean of the population is above this with 95 % confidence, one-sided; -inf without values.

    The percentile interval of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3, with a
    fixed seed. The pairing is in the values: of two models' difference on one example its difficulty cancels.

    Args:
      values: float [N], a sample; NaN makes the bound NaN.
    """
    if not len(values):
        return float("-inf")
    rng = np.random.default_rng(_SEED)
    means = [rng.choice(values, len(values)).mean() for _ in range(RESAMPLES)]
    return float(np.quantile(means, 1 - CONFIDENCE))
