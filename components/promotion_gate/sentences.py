"""The decision's words: short English sentences about numbers, for someone who has never seen the rules."""

import math
from collections.abc import Iterable

from trainer.evaluation.rules import TOLERANCE


def plain(metric: str) -> str:
    """A metric's name as prose: `style_distance` -> `style distance`."""
    return metric.replace("_", " ")


def numbers(*values: float) -> list[str]:
    """Values with three significant digits, or as many more as it takes that different values look different.

    What differs by less than the noise of floating-point numbers looks the same.
    """
    values = tuple(float(f"{value:.7g}") for value in values)
    for digits in range(3, 8):
        shown = [f"{value:.{digits}g}" for value in values]
        if len(set(shown)) == len(set(values)):
            break
    return shown


def times(ratio: float) -> str:
    """A ratio in words: `4.1 times`."""
    return "infinitely many times" if math.isinf(ratio) else f"{numbers(ratio)[0]} times"


def unknown(subject: str, value: float | None) -> str:
    """`accuracy was not measured`."""
    return f"{subject} was not measured" if value is None else f"{subject} is not a finite number ({value})"


def bound(subject: str, value: float, limit: float, *, at_least: bool, passed: bool) -> str:
    """`accuracy 0.912 is at least 0.85`."""
    shown, limit_shown = numbers(value, limit)
    relation = ("at least" if at_least else "at most") if passed else ("below" if at_least else "above")
    return f"{subject} {shown} is {relation} {limit_shown}{'' if passed else ', the bound'}"


def margin(subject: str, value: float, other: float, whose: str, gain: float, asked: float, *, passed: bool) -> str:
    """`accuracy 0.91 is 0.31 better than the linear model's 0.6 (at least 0.05 is asked for)`."""
    shown, other_shown = numbers(value, other)
    gain_shown, asked_shown = numbers(abs(gain), asked)
    relation = "no better" if abs(gain) <= TOLERANCE else f"{gain_shown} {'better' if gain > 0 else 'worse'}"
    only = "" if passed or gain <= TOLERANCE else "only "
    return (
        f"{subject} {shown} is {only}{relation} than {whose} {other_shown} (at least {asked_shown} better is asked for)"
    )


def ratio(subject: str, value: float, other: float, whose: str, factor: float, asked: float, *, passed: bool) -> str:
    """`style distance 0.067 is 4.1 times as good as colour transfer's 0.274 (at least 2 times is asked for)`."""
    shown, other_shown = numbers(value, other)
    only = "" if passed else "only "
    asked_for = f"(at least {times(asked)} is asked for)"
    return f"{subject} {shown} is {only}{times(factor)} as good as {whose} {other_shown} {asked_for}"


def loss(subject: str, value: float, other: float, gain: float, allowed: float) -> str:
    """`accuracy 0.91 is 0.01 worse than the champion's 0.92 (at most 0.02 worse is allowed)`."""
    shown, other_shown = numbers(value, other)
    if abs(gain) <= TOLERANCE:
        return f"{subject} {shown} equals the champion's"
    difference, allowed_shown = numbers(abs(gain), allowed)
    relation = "better" if gain > 0 else "worse"
    sentence = f"{subject} {shown} is {difference} {relation} than the champion's {other_shown}"
    return sentence if gain > 0 else f"{sentence} (at most {allowed_shown} worse is allowed)"


def certainty(subject: str, whose: str, gain: float, examples: int, needed: int | None, *, passed: bool) -> str:
    """`accuracy is surely better than colour regression's, by 0.2 or more (95 % confidence, 235 examples)`.

    Args:
        subject: the metric.
        whose: it is compared with.
        gain: what is sure of the difference.
        examples: how many both were measured on.
        needed: how many like these would tell; None when more of them would not help.
        passed: whether it is sure.
    """
    if not examples:
        return f"{subject} could not be compared with {whose} example by example"
    basis = f"(95 % confidence, {examples} examples"
    if passed:
        return f"{subject} is surely better than {whose}, by {numbers(gain)[0]} or more {basis})"
    return f"{subject} is not surely better than {whose} {basis}; {_would_tell(needed)})"


def probable_loss(subject: str, gain: float, examples: int, allowed: float, needed: int | None, *, passed: bool) -> str:
    """`accuracy is at most 0.021 worse than the champion's (95 % confidence, 235 examples; 0.05 worse is allowed)`.

    The arguments are those of `certainty`; `allowed` is what may be lost.
    """
    if not examples:
        return f"{subject} could not be compared with the champion's example by example"
    hint = "" if passed else f"; {_would_tell(needed)}"
    basis = f"(95 % confidence, {examples} examples; {numbers(allowed)[0]} worse is allowed{hint})"
    if not math.isfinite(gain):
        return f"{subject} may be worse than the champion's by any amount {basis}"
    loss_shown, _ = numbers(abs(gain), allowed)
    relation = f"at least {loss_shown} better" if gain > 0 else f"at most {loss_shown} worse"
    return f"{subject} is {relation} than the champion's {basis}"


def unsurpassable(subject: str, whose: str, other: float) -> str:
    """`no model could be better than colour regression's accuracy 1`."""
    return f"no model could be better than {whose} {subject} {numbers(other)[0]}"


def unreachable(subject: str, whose: str, other: float, asked: float) -> str:
    """`no model could be better than colour regression's accuracy 0.97 by what is asked for (0.05)`."""
    return f"{unsurpassable(subject, whose, other)} by what is asked for ({numbers(asked)[0]})"


def indistinguishable(subject: str, whose: str, other: float, examples: int, needed: int | None) -> str:
    """`15 eval examples cannot tell any model from colour regression's accuracy 0.933 (about 65 could)`."""
    could = "" if needed is None else f" (about {needed:,} could)"
    return f"{examples} eval examples cannot tell any model from {whose} {subject} {numbers(other)[0]}{could}"


def provisional(excuses: Iterable[str]) -> str:
    """`provisional, a canary until it is promoted: 15 eval examples cannot tell ...`."""
    return f"provisional, a canary until it is promoted: {'; '.join(excuses)}"


def hint(examples_key: str | None, thresholds_key: str, rules: Iterable[str]) -> str:
    """`to decide by more eval examples: ingest.eval_fraction, or more images; to ask for less: ... (null ...)`.

    Args:
        examples_key: what to change for more eval examples; None where more would not help.
        thresholds_key: where the rules are.
        rules: those to ask less of.
    """
    more = f"to decide by more eval examples: {examples_key}, or more images; " if examples_key else ""
    keys = ", ".join(f"{thresholds_key}.{rule}" for rule in rules)
    return f"{more}to ask for less: {keys} (null asks nothing)"


def _would_tell(needed: int | None) -> str:
    return "more like these would not help" if needed is None else f"about {needed:,} like these would tell"
