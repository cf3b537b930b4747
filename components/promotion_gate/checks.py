"""What is asked of one metric by plain figures: bounds, the difference from the champion, and both in every slice."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.promotion_gate import sentences
from trainer.evaluation.rules import SHOWN_ONLY, Direction, Rule, reaches

OVERALL = ""


@dataclass(frozen=True)
class Check:
    """One thing that was asked for and whether it holds."""

    metric: str
    slice: str
    """`feature=value`, or "" for all examples together."""
    value: float | None
    """The candidate's value, or what is sure of its difference; None where it was not measured."""
    bound: float | None
    rule: str
    """The field of `Rule`, or `measured`, `beats_trivial_surely`, `evaluator`, `tflite`."""
    passed: bool
    text: str
    """The same in words."""
    undecided: bool = False
    """It does not hold because the eval examples are too few to tell; more like them would."""


def measured(metric: str, part: str, value: float | None) -> Check:
    """The check that a value without which nothing can be decided does not pass."""
    return Check(metric, part, None, None, "measured", False, sentences.unknown(_subject(metric, part), value))


def absolute(
    metric: str, part: str, value: float, low: float | None, high: float | None, prefix: str
) -> Iterator[Check]:
    """Whether a value lies between two bounds of a rule: its fields `at_least` and `at_most`, with a prefix."""
    for limit, name, at_least in ((low, "at_least", True), (high, "at_most", False)):
        if limit is not None:
            passed = reaches(value, limit) if at_least else reaches(-value, -limit)
            text = sentences.bound(_subject(metric, part), value, limit, at_least=at_least, passed=passed)
            yield Check(metric, part, value, limit, prefix + name, passed, text)


def loss(
    metric: str, part: str, value: float, champion: float | None, allowed: float, direction: Direction, rule: str
) -> Check:
    """Whether a value is worse than the champion's by no more than is allowed."""
    subject = _subject(metric, part)
    if not finite(champion):
        text = sentences.unknown(f"the champion's {subject}", champion)
        return Check(metric, part, value, allowed, rule, False, text)
    better = gain(value, champion, direction)
    text = sentences.loss(subject, value, champion, better, allowed)
    return Check(metric, part, value, allowed, rule, reaches(better, -allowed), text)


def in_slices(metric: str, rule: Rule, direction: Direction, evaluation: Mapping[str, Any]) -> Iterator[Check]:
    """Every slice is a check; only those that do not pass are put into words, and one sentence says that all did."""
    low, high, allowed = rule.every_slice_at_least, rule.every_slice_at_most, rule.max_slice_loss_to_champion
    if evaluation["champion"] is None:
        allowed = None
    asked = {"every_slice_at_least": low, "every_slice_at_most": high, "max_slice_loss_to_champion": allowed}
    asked = {name: bound for name, bound in asked.items() if bound is not None}
    if not asked:
        return
    found: list[Check] = []
    for feature, values in evaluation["slices"].items():
        for name, contenders in values.items() if not feature.startswith(SHOWN_ONLY) else ():
            part = f"{feature}={name}"
            value = contenders["candidate"].get(metric)
            if not finite(value):
                found.append(measured(metric, part, value))
                continue
            found += absolute(metric, part, value, low, high, "every_slice_")
            if allowed is not None:
                champion = (contenders["champion"] or {}).get(metric)
                found.append(loss(metric, part, value, champion, allowed, direction, "max_slice_loss_to_champion"))
    if not found:
        for name, bound in asked.items():
            text = f"no slice of {sentences.plain(metric)} was measured, and {name} asks for all of them"
            yield Check(metric, OVERALL, None, bound, name, False, text)
        return
    yield from (check if not check.passed else _silent(check) for check in found)
    if all(check.passed for check in found):
        worst = (min if direction == "higher" else max)(found, key=lambda check: check.value)
        text = f"{sentences.plain(metric)} keeps its bounds in every slice; the worst: {worst.text}"
        yield Check(metric, worst.slice, worst.value, worst.bound, worst.rule, True, text)


def gain(value: float, other: float, direction: Direction) -> float:
    """By how much `value` is better than `other`; negative when it is worse."""
    return value - other if direction == "higher" else other - value


def times(value: float, other: float, direction: Direction) -> float:
    """How many times `value` is as good as `other`; both are at least 0. Two zeros are equally good."""
    good, reference = (value, other) if direction == "higher" else (other, value)
    if reference == 0:
        return 1.0 if good == 0 else math.inf
    return good / reference


def finite(value: float | None) -> bool:
    """Whether there is a value and it is a number."""
    return value is not None and math.isfinite(value)


def _subject(metric: str, part: str) -> str:
    name = sentences.plain(metric)
    return f"{name} of {part.split('=', 1)[1]}" if part else name


def _silent(check: Check) -> Check:
    return Check(check.metric, check.slice, check.value, check.bound, check.rule, check.passed, "")
