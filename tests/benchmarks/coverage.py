"""How often the bounds of `trainer.evaluation.intervals` hold, and how often those of other methods would.

    python -m tests.benchmarks.coverage [--repeats 2000] [--examples 5 10 20 50 100 300 1000]

One-sided 95 % bounds from below of the mean of populations that outcomes look like. A bound holds when the true mean is
not below it; 95 % is what it claims. For paired right and wrong answers up to `EXACT` examples every possible sample
counts with its probability, for the rest random samples do: two standard errors of 2,000 are 1 %, of the quarter that
many values get 2 %. Beside ours are Student's bound, the percentile and the BCa bootstrap; docs/promotion.md has the
table.
"""

import argparse
import math
from collections.abc import Callable

import numpy as np
from scipy import special, stats

from trainer.evaluation.intervals import CONFIDENCE, lower_bound

EXACT = 50
_RESAMPLES = 1000
_REPEATS = 400
"""Of the bootstrap, which takes long."""

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def paired(better: float, worse: float) -> Draw:
    """Differences of two models' right and wrong answers."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        dice = rng.random(shape)
        return (dice < better).astype(float) - (dice > 1 - worse)

    return draw


PAIRED = {(better, worse): paired(better, worse) for better, worse in
          ((0.5, 0.5), (0.3, 0.1), (0.1, 0.1), (0.05, 0.1), (0.02, 0.02), (0.0, 0.05), (0.0, 0.005))}  # fmt: skip
"""Chances that only the one model is right, and only the other."""

MEANS: dict[str, tuple[Draw, float, float | None]] = {
    "Brier scores of two classifiers": (
        lambda rng, shape: 2 * rng.beta(0.2, 0.8, shape) - 2 * rng.beta(0.25, 0.8, shape),
        2 * 0.2 - 2 * 0.25 / 1.05,
        -2.0,
    ),
    "the same, one sure and rarely wrong": (
        lambda rng, shape: 0.02 - 2.0 * (rng.random(shape) < 0.02),
        0.02 - 0.04,
        -2.0,
    ),
    "normal": (lambda rng, shape: rng.normal(0.1, 1, shape), 0.1, None),
    "heavy tails (Student's t, 4)": (lambda rng, shape: rng.standard_t(4, shape), 0.0, None),
    "gains with a long tail": (lambda rng, shape: rng.lognormal(0, 0.5, shape), math.exp(0.125), None),
    "losses with a long tail": (lambda rng, shape: -rng.lognormal(0, 0.5, shape), -math.exp(0.125), None),
    "losses with a very long tail": (lambda rng, shape: -rng.lognormal(0, 1, shape), -math.exp(0.5), None),
}
"""Draws, their mean, and what no value can be below."""


def exact(better: float, worse: float, examples: int) -> float:
    """The probability that our bound holds, over all samples."""
    plus, minus = np.indices((examples + 1, examples + 1)).reshape(2, -1)
    kept = plus + minus <= examples
    counts = np.stack([plus, minus, examples - plus - minus], 1)[kept]
    likely = stats.multinomial.pmf(counts, examples, [better, worse, 1 - better - worse])
    counts, likely = counts[likely > 1e-7], likely[likely > 1e-7]
    bounds = [lower_bound(np.repeat([1.0, -1.0, 0.0], each), -1.0) for each in counts]
    return float(likely[np.array(bounds) <= better - worse + 1e-9].sum() / likely.sum())


def student(values: np.ndarray) -> np.ndarray:
    """Student's bounds of samples [R, N]."""
    width = stats.t.ppf(CONFIDENCE, values.shape[1] - 1) * stats.sem(values, axis=1)
    return values.mean(axis=1) - width


def bootstrap(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """The percentile and the BCa bound of a sample (Efron and Tibshirani 1993, sections 13.3 and 14.3)."""
    examples, mean = len(values), values.mean()
    means = rng.choice(values, (_RESAMPLES, examples)).mean(axis=1)
    below = (np.sum(means < mean) + np.sum(means == mean) / 2) / _RESAMPLES
    bias = special.ndtri(np.clip(below, 1 / _RESAMPLES, 1 - 1 / _RESAMPLES))
    left_out = mean - (values.sum() - values) / max(examples - 1, 1)
    spread = np.sum(left_out**2) ** 1.5
    skew = np.sum(left_out**3) / (6 * spread) if spread else 0.0
    z = bias + special.ndtri(1 - CONFIDENCE)
    return tuple(np.quantile(means, [1 - CONFIDENCE, special.ndtr(bias + z / (1 - skew * z))]))


def simulated(draw: Draw, mean: float, lowest: float | None, examples: int, repeats: int) -> list[float]:
    """How often the bounds hold: ours, Student's, percentile, BCa."""
    rng = np.random.default_rng(examples)
    samples = draw(rng, (repeats, examples))
    ours = np.array([lower_bound(each, lowest) for each in samples])
    others = np.array([bootstrap(each, rng) for each in samples[:_REPEATS]])
    bounds = (ours, student(samples), *others.T)
    return [float(np.mean(each <= mean + 1e-9)) for each in bounds]


def main() -> None:
    """Prints a row for each population and number of examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, nargs="+", default=[5, 10, 20, 50, 100, 300, 1000])
    parser.add_argument("--repeats", type=int, default=2000)
    arguments = parser.parse_args()
    populations = {
        f"right and wrong: better {better:.1%}, worse {worse:.1%}": (draw, better - worse, -1.0)
        for (better, worse), draw in PAIRED.items()
    } | MEANS
    chances = dict(zip(populations, PAIRED, strict=False))
    print("population | examples | ours | Student | percentile | BCa")
    for name, (draw, mean, lowest) in populations.items():
        for examples in arguments.examples:
            repeats = arguments.repeats if examples <= 100 or name in chances else arguments.repeats // 4
            held = simulated(draw, mean, lowest, examples, repeats)
            if name in chances and examples <= EXACT:
                held[0] = exact(*chances[name], examples)
            print(" | ".join([name, str(examples), *(f"{share:.3f}" for share in held)]), flush=True)


if __name__ == "__main__":
    main()
