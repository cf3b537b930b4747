"""The decision's words: short English sentences about numbers, for someone who has never seen the rules."""

import math


def plain(metric: str) -> str:
    """A metric's name as prose: `style_distance` -> `style distance`."""
    return metric.replace("_", " ")


def numbers(*values: float) -> list[str]:
    """Values with three significant digits, or as many more as it takes that different values look different."""
    for digits in range(3, 17):
        shown = [f"{value:.{digits}g}" for value in values]
        if len(set(shown)) == len(set(values)):
            break
    return shown


def times(ratio: float) -> str:
    """A ratio in words: `4.1 times`."""
    return "infinitely many times" if math.isinf(ratio) else f"{numbers(ratio)[0]} times"


def bound(subject: str, value: float, limit: float, *, at_least: bool, passed: bool) -> str:
    """`accuracy 0.912 is at least 0.85`."""
    shown, limit_shown = numbers(value, limit)
    relation = ("at least" if at_least else "at most") if passed else ("below" if at_least else "above")
    return f"{subject} {shown} is {relation} {limit_shown}{'' if passed else ', the bound'}"


def margin(subject: str, value: float, other: float, whose: str, gain: float, asked: float, *, passed: bool) -> str:
    """`accuracy 0.91 is 0.31 better than the linear model's 0.6 (at least 0.05 is asked for)`."""
    shown, other_shown = numbers(value, other)
    gain_shown, asked_shown = numbers(abs(gain), asked)
    relation = "no better" if gain == 0 else f"{gain_shown} {'better' if gain > 0 else 'worse'}"
    only = "" if passed or gain <= 0 else "only "
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
    if gain == 0:
        return f"{subject} {shown} equals the champion's"
    difference, allowed_shown = numbers(abs(gain), allowed)
    relation = "better" if gain > 0 else "worse"
    sentence = f"{subject} {shown} is {difference} {relation} than the champion's {other_shown}"
    return sentence if gain > 0 else f"{sentence} (at most {allowed_shown} worse is allowed)"


def certainty(subject: str, whose: str, gain: float, examples: int, *, passed: bool) -> str:
    """`accuracy is surely better than the linear model's, by 0.2 or more (95 % confidence, 235 examples)`."""
    basis = f"(95 % confidence, {examples} examples)"
    if passed:
        return f"{subject} is surely better than {whose}, by {numbers(gain)[0]} or more {basis}"
    return f"{subject} is not surely better than {whose} {basis}; more eval images would tell them apart"


def probable_loss(subject: str, gain: float, examples: int, allowed: float) -> str:
    """`accuracy is at most 0.021 worse than the champion's (95 % confidence, 235 examples; 0.05 is allowed)`."""
    if not math.isfinite(gain):
        return f"{subject} could not be compared with the champion's example by example"
    loss_shown, allowed_shown = numbers(abs(gain), allowed)
    relation = f"at least {loss_shown} better" if gain > 0 else f"at most {loss_shown} worse"
    hint = "" if gain >= -allowed else "; more eval images would narrow it"
    return (
        f"{subject} is {relation} than the champion's "
        f"(95 % confidence, {examples} examples; {allowed_shown} worse is allowed{hint})"
    )
