"""What is told from luck: two models' outcomes on the same examples, and what no outcome on so few could tell."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from components.promotion_gate import checks, sentences
from components.promotion_gate.checks import OVERALL, Check
from trainer.evaluation import intervals
from trainer.evaluation.rules import EXAMPLE_RANGES, TOLERANCE, Direction, Rule, exceeds, reaches
from trainer.evaluation.trivial import Trivial

_NOBODY = "a trivial model's"


class Metric(NamedTuple):
    """A metric's name, and whether `higher` or `lower` is better."""

    name: str
    direction: Direction

    @property
    def best(self) -> float:
        """The best that an example's own value can be."""
        low, high = EXAMPLE_RANGES[self.name]
        return high if self.direction == "higher" else low

    @property
    def lowest_gain(self) -> float | None:
        """What the gain on one example cannot be below; None where that is not known."""
        low, high = EXAMPLE_RANGES[self.name]
        return low - high if np.isfinite(high - low) else None


def gains(candidate: np.ndarray | None, other: np.ndarray | None, metric: Metric) -> np.ndarray:
    """By how much the candidate is better on each example that both models were measured on.

    `metric` is a field of both.

    Returns:
        float64 [N], negative where the candidate is worse; empty where there is nothing to compare.
    """
    if candidate is None or other is None or metric.name not in EXAMPLE_RANGES:
        return np.zeros(0)
    _, ours, theirs = np.intersect1d(candidate["key"], other["key"], return_indices=True)
    difference = candidate[metric.name][ours].astype(float) - other[metric.name][theirs]
    return difference if metric.direction == "higher" else -difference


def over_trivials(
    metric: Metric, value: float, candidate: np.ndarray | None, trivials: Sequence[Trivial], rule: Rule
) -> Iterator[Check]:
    """Whether the candidate beats the best of the trivial models by as much as is asked, and each of them not by luck.

    A margin made by a few lucky examples is none: on 16 of them a constant answer may be 5 % ahead of chance.
    """
    margins = {"beats_trivial_by": rule.beats_trivial_by, "beats_trivial_times": rule.beats_trivial_times}
    margins = {name: asked for name, asked in margins.items() if asked is not None}
    if not margins:
        return
    unknown = [each for each in trivials if not checks.finite(each.metrics.get(metric.name))]
    if unknown or not trivials:
        whose, found = (f"{unknown[0].name}'s", unknown[0].metrics.get(metric.name)) if unknown else (_NOBODY, None)
        text = sentences.unknown(f"{whose} {sentences.plain(metric.name)}", found)
        yield from (Check(metric.name, OVERALL, value, asked, name, False, text) for name, asked in margins.items())
        return
    best = strongest(trivials, metric)
    for name, asked in margins.items():
        yield _margin(metric, value, best, name, asked)
    compared = [(gains(candidate, each.outcomes, metric), each) for each in trivials]
    bounds = [intervals.lower_bound(found, metric.lowest_gain) for found, _ in compared]
    closest = int(np.argmin(bounds))  # NaN, which tells nothing, counts as the lowest
    found, other = compared[closest]
    bound, passed = bounds[closest], exceeds(bounds[closest], 0.0)
    needed = None if passed else intervals.examples_needed(found, metric.lowest_gain, TOLERANCE)
    subject, whose = sentences.plain(metric.name), f"{other.name}'s"
    text = sentences.certainty(subject, whose, bound, len(found), needed, passed=passed)
    shown, rule_name = bound if checks.finite(bound) else None, "beats_trivial_surely"
    yield Check(metric.name, OVERALL, shown, 0.0, rule_name, passed, text, undecided=bool(needed))


def probable_loss(metric: Metric, candidate: np.ndarray | None, champion: np.ndarray | None, allowed: float) -> Check:
    """Whether the candidate is surely no worse than the champion by more than is allowed."""
    found = gains(candidate, champion, metric)
    # Pictures that measure alike to the last bit are the same pictures: that is no draw of luck, whatever the range.
    same = metric.lowest_gain is None and len(found) >= intervals.FEWEST and not found.any()
    bound = 0.0 if same else intervals.lower_bound(found, metric.lowest_gain)
    passed = reaches(bound, -allowed)
    needed = None if passed else intervals.examples_needed(found, metric.lowest_gain, -allowed)
    text = sentences.probable_loss(sentences.plain(metric.name), bound, len(found), allowed, needed, passed=passed)
    shown = bound if checks.finite(bound) else None
    rule_name = "max_probable_loss_to_champion"
    return Check(metric.name, OVERALL, shown, allowed, rule_name, passed, text, undecided=bool(needed))


def excuse(metric: Metric, candidate: np.ndarray | None, trivials: Sequence[Trivial], rule: Rule) -> list[str]:
    """Why no model whatever could beat the trivial ones on these examples, if that is so of a candidate that learned.

    Returns:
        Sentences; none when a model could, when the candidate is surely worse than a trivial model, or when it is not
        surely better than those that look at nothing: then there is no sign that it learned anything.
    """
    found: list[str] = []
    learned = False
    for each in trivials:
        if each.outcomes is None or not checks.finite(each.metrics.get(metric.name)):
            return []
        gained = gains(candidate, each.outcomes, metric)
        if not intervals.upper_bound(gained, _negated(metric.lowest_gain)) >= 0:
            return []
        if each.blind and not exceeds(intervals.lower_bound(gained, metric.lowest_gain), 0.0):
            return []
        learned |= each.blind
        found += _out_of_reach(metric, each, rule)
    return found if learned else []


def strongest(trivials: Sequence[Trivial], metric: Metric) -> Trivial:
    """The trivial model whose metric is best; the first of several, and one that has it before one that has not.

    Where there are none, one without a name or a metric.
    """

    def rank(each: Trivial) -> float:
        value = each.metrics.get(metric.name)
        return checks.gain(value, 0.0, metric.direction) if checks.finite(value) else -np.inf

    return max(trivials, key=rank, default=Trivial("", {}))


def _margin(metric: Metric, value: float, best: Trivial, name: str, asked: float) -> Check:
    other, whose, subject = best.metrics[metric.name], f"{best.name}'s", sentences.plain(metric.name)
    compare, say = (checks.gain, sentences.margin) if name == "beats_trivial_by" else (checks.times, sentences.ratio)
    better = compare(value, other, metric.direction)
    passed = reaches(better, asked)
    text = say(subject, value, other, whose, better, asked, passed=passed)
    return Check(metric.name, OVERALL, value, asked, name, passed, text)


def _out_of_reach(metric: Metric, trivial: Trivial, rule: Rule) -> Iterator[str]:
    """What the best model that there could be would not achieve against a trivial one."""
    subject, whose, other = (
        sentences.plain(metric.name),
        f"{trivial.name}'s",
        trivial.metrics[metric.name],
    )
    ideal = abs(metric.best - trivial.outcomes[metric.name].astype(float))
    if not ideal.any():
        yield sentences.unsurpassable(subject, whose, other)
        return
    limits = ((rule.beats_trivial_by, checks.gain), (rule.beats_trivial_times, checks.times))
    for asked, compare in limits:
        if asked is not None and not reaches(compare(metric.best, other, metric.direction), asked):
            yield sentences.unreachable(subject, whose, other, asked)
    if not exceeds(intervals.lower_bound(ideal, metric.lowest_gain), 0.0):
        needed = intervals.examples_needed(ideal, metric.lowest_gain, TOLERANCE)
        yield sentences.indistinguishable(subject, whose, other, len(ideal), needed)


def _negated(value: float | None) -> float | None:
    return None if value is None else -value
