"""The decision as a pure function of plain values: no artifact, no TensorFlow."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from components.promotion_gate import bootstrap, sentences
from trainer.rules import SHOWN_ONLY, Direction, Rule, Rules

OVERALL = ""
TRIVIAL, CHAMPION = "trivial", "champion"


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


@dataclass(frozen=True)
class Evidence:
    """Everything that the decision rests on."""

    measured: Mapping[str, Any]
    """`trainer.evaluation.read_metrics` of candidate and champion."""
    trivial: Mapping[str, float]
    """Metrics of the trivial baseline on the same examples."""
    blessed: bool | None
    """What TFX's Evaluator said of its thresholds; None when it validated nothing."""
    gains: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    """Contender (`trivial`, `champion`) -> metric -> `bootstrap.gains` over it; metrics that are no means have none."""
    failures: Sequence[str] = ()
    """The metrics that the Evaluator found wanting."""
    tflite: Sequence[Mapping[str, Any]] = ()
    """Verdicts, the content of `tflite.json`."""


@dataclass(frozen=True)
class Policy:
    """What is asked for."""

    rules: Rules
    directions: Mapping[str, Direction]
    trivial_name: str = "the trivial baseline"
    """How to call the trivial baseline in a sentence: `colour transfer`, `the linear model`."""
    required_variants: Sequence[str] = field(default=())
    """TFLite variants without which there is no promotion; others that are withheld are a warning."""


def decide(policy: Policy, evidence: Evidence) -> dict[str, Any]:
    """Approves the candidate when every check passes.

    A metric that was not measured, or is not a number, is a check that does not pass: what is unknown is not promoted.

    Returns:
      The content of `decision.json`: approved, reasons (what speaks against comes first), warnings, checks, metrics of
      candidate, champion (or None) and trivial baseline, slices. None stands for a value that is not finite.
    """
    checks = list(_checks(policy, evidence))
    against = [check.text for check in checks if not check.passed]
    in_favour = [check.text for check in checks if check.passed and check.text]
    measured = evidence.measured
    return {
        "approved": not against,
        "reasons": [*against, *in_favour],
        "warnings": _warnings(policy, evidence),
        "checks": [asdict(check) for check in checks],
        "metrics": _without_nan(
            {"candidate": measured["candidate"], "champion": measured["champion"], "trivial": dict(evidence.trivial)}
        ),
        "slices": _without_nan(measured["slices"]),
    }


def _checks(policy: Policy, evidence: Evidence) -> Iterator[Check]:
    candidate = evidence.measured["candidate"]
    for metric in policy.directions:
        value = candidate.get(metric)
        if not _finite(value):
            yield Check(metric, OVERALL, None, None, "measured", False, _unknown(sentences.plain(metric), value))
        elif metric in policy.rules:
            yield from _overall(metric, policy, evidence)
    for metric, rule in policy.rules.items():
        yield from _in_slices(metric, rule, policy.directions[metric], evidence)
    yield from _evaluator(policy, evidence)
    yield from _variants(policy, evidence)


def _overall(metric: str, policy: Policy, evidence: Evidence) -> Iterator[Check]:
    rule, direction = policy.rules[metric], policy.directions[metric]
    value = evidence.measured["candidate"][metric]
    yield from _absolute(metric, OVERALL, value, rule.at_least, rule.at_most, ("at_least", "at_most"))
    yield from _over_trivial(metric, value, evidence.trivial.get(metric), rule, direction, policy.trivial_name)
    if rule.beats_trivial_by is not None or rule.beats_trivial_times is not None:
        yield from _surely_over_trivial(metric, evidence.gains.get(TRIVIAL, {}).get(metric), policy.trivial_name)
    champion = evidence.measured["champion"]
    if champion is None:
        return
    if rule.max_loss_to_champion is not None:
        allowed = rule.max_loss_to_champion
        yield _loss(metric, OVERALL, value, champion.get(metric), allowed, direction, "max_loss_to_champion")
    if rule.max_probable_loss_to_champion is not None:
        gains = evidence.gains.get(CHAMPION, {}).get(metric, np.zeros(0))
        yield _probable_loss(metric, gains, rule.max_probable_loss_to_champion)


def _absolute(
    metric: str, part: str, value: float, low: float | None, high: float | None, names: tuple[str, str]
) -> Iterator[Check]:
    subject = _subject(metric, part)
    for limit, name, at_least in ((low, names[0], True), (high, names[1], False)):
        if limit is not None:
            passed = value >= limit if at_least else value <= limit
            text = sentences.bound(subject, value, limit, at_least=at_least, passed=passed)
            yield Check(metric, part, value, limit, name, passed, text)


def _over_trivial(
    metric: str, value: float, trivial: float | None, rule: Rule, direction: Direction, name: str
) -> Iterator[Check]:
    asked = {"beats_trivial_by": rule.beats_trivial_by, "beats_trivial_times": rule.beats_trivial_times}
    for rule_name, bound in asked.items():
        if bound is None:
            continue
        if not _finite(trivial):
            text = _unknown(f"{_possessive(name)} {sentences.plain(metric)}", trivial)
            yield Check(metric, OVERALL, value, bound, rule_name, False, text)
            continue
        better = (
            _gain(value, trivial, direction) if rule_name == "beats_trivial_by" else _times(value, trivial, direction)
        )
        passed = better >= bound
        sentence = sentences.margin if rule_name == "beats_trivial_by" else sentences.ratio
        text = sentence(sentences.plain(metric), value, trivial, _possessive(name), better, bound, passed=passed)
        yield Check(metric, OVERALL, value, bound, rule_name, passed, text)


def _surely_over_trivial(metric: str, gains: np.ndarray | None, name: str) -> Iterator[Check]:
    """A margin made by a few lucky examples is none: on 16 of them a constant answer may be 5 % ahead of chance."""
    if gains is None:
        return
    bound = bootstrap.lower_bound(gains)
    passed = bound > 0
    text = sentences.certainty(sentences.plain(metric), _possessive(name), bound, len(gains), passed=passed)
    yield Check(metric, OVERALL, bound if _finite(bound) else None, 0.0, "beats_trivial_surely", passed, text)


def _probable_loss(metric: str, gains: np.ndarray, allowed: float) -> Check:
    bound = bootstrap.lower_bound(gains)
    passed = bound >= -allowed
    text = sentences.probable_loss(sentences.plain(metric), bound, len(gains), allowed)
    value = bound if _finite(bound) else None
    return Check(metric, OVERALL, value, allowed, "max_probable_loss_to_champion", passed, text)


def _loss(
    metric: str, part: str, value: float, champion: float | None, allowed: float, direction: Direction, rule_name: str
) -> Check:
    subject = _subject(metric, part)
    if not _finite(champion):
        text = _unknown(f"the champion's {subject}", champion)
        return Check(metric, part, value, allowed, rule_name, False, text)
    gain = _gain(value, champion, direction)
    text = sentences.loss(subject, value, champion, gain, allowed)
    return Check(metric, part, value, allowed, rule_name, gain >= -allowed, text)


def _in_slices(metric: str, rule: Rule, direction: Direction, evidence: Evidence) -> Iterator[Check]:
    """Every slice is a check; only those that do not pass are put into words, and one sentence says that all did."""
    low, high, allowed = rule.every_slice_at_least, rule.every_slice_at_most, rule.max_slice_loss_to_champion
    if low is None and high is None and allowed is None:
        return
    checks: list[Check] = []
    for feature, values in evidence.measured["slices"].items():
        for name, contenders in values.items() if not feature.startswith(SHOWN_ONLY) else ():
            part = f"{feature}={name}"
            value = contenders["candidate"].get(metric)
            if not _finite(value):
                checks.append(
                    Check(metric, part, None, None, "measured", False, _unknown(_subject(metric, part), value))
                )
                continue
            checks += _absolute(metric, part, value, low, high, ("every_slice_at_least", "every_slice_at_most"))
            if allowed is not None and contenders["champion"] is not None:
                champion = contenders["champion"].get(metric)
                checks.append(_loss(metric, part, value, champion, allowed, direction, "max_slice_loss_to_champion"))
    if not checks:
        return
    yield from (check if not check.passed else _silent(check) for check in checks)
    if all(check.passed for check in checks):
        worst = (min if direction == "higher" else max)(checks, key=lambda check: check.value)
        text = f"{sentences.plain(metric)} keeps its bounds in every slice; the worst: {worst.text}"
        yield Check(metric, worst.slice, worst.value, worst.bound, worst.rule, True, text)


def _evaluator(policy: Policy, evidence: Evidence) -> Iterator[Check]:
    """The thresholds as TFX's Evaluator saw them; it says nothing where it was given none."""
    has_champion = evidence.measured["champion"] is not None
    expected = any(
        rule.at_least is not None
        or rule.at_most is not None
        or (has_champion and rule.max_loss_to_champion is not None)
        for rule in policy.rules.values()
    )
    if not expected and evidence.blessed is None:
        return
    if evidence.blessed:
        text = "TFX's Evaluator found all of its thresholds kept"
    elif evidence.blessed is None:
        text = "TFX's Evaluator validated nothing although thresholds are set"
    else:
        failed = ", ".join(map(sentences.plain, evidence.failures)) or "it does not say by which metric"
        text = f"TFX's Evaluator did not bless the candidate ({failed})"
    yield Check("", OVERALL, None, None, "evaluator", bool(evidence.blessed), text)


def _variants(policy: Policy, evidence: Evidence) -> Iterator[Check]:
    for variant in policy.required_variants:
        verdicts = [verdict for verdict in evidence.tflite if verdict["variant"] == variant]
        against = [f"{verdict['part']}: {verdict['reason']}" for verdict in verdicts if verdict["verdict"] != "ok"]
        if not verdicts:
            against = ["it was not made"]
        text = f"TFLite {variant}, which is required, " + (
            f"is withheld ({'; '.join(against)})" if against else "is within its tolerance"
        )
        yield Check("", OVERALL, None, None, "tflite", not against, text)


def _warnings(policy: Policy, evidence: Evidence) -> list[str]:
    return [
        f"TFLite {verdict['variant']} of the {verdict['part']} is withheld: {verdict['reason']}"
        for verdict in evidence.tflite
        if verdict["verdict"] != "ok" and verdict["variant"] not in policy.required_variants
    ]


def _gain(value: float, other: float, direction: Direction) -> float:
    """By how much `value` is better than `other`; negative when it is worse."""
    return value - other if direction == "higher" else other - value


def _times(value: float, other: float, direction: Direction) -> float:
    """How many times `value` is as good as `other`; both are at least 0. Two zeros are equally good."""
    good, reference = (value, other) if direction == "higher" else (other, value)
    if reference == 0:
        return 1.0 if good == 0 else math.inf
    return good / reference


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _unknown(subject: str, value: float | None) -> str:
    return f"{subject} was not measured" if value is None else f"{subject} is not a finite number ({value})"


def _subject(metric: str, part: str) -> str:
    name = sentences.plain(metric)
    return f"{name} of {part.split('=', 1)[1]}" if part else name


def _possessive(name: str) -> str:
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def _without_nan(values: Any) -> Any:
    """JSON knows no NaN and no infinity: None instead, at any depth of dicts."""
    if isinstance(values, Mapping):
        return {key: _without_nan(value) for key, value in values.items()}
    return None if isinstance(values, float) and not math.isfinite(values) else values


def _silent(check: Check) -> Check:
    return Check(check.metric, check.slice, check.value, check.bound, check.rule, check.passed, "")
