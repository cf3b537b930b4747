"""The decision as a pure function of plain values: no artifact, no TensorFlow."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from components.promotion_gate import checks, luck, sentences
from components.promotion_gate.checks import OVERALL, Check
from components.promotion_gate.luck import Metric
from trainer.evaluation.rules import Direction, Rules
from trainer.evaluation.trivial import Trivial


@dataclass(frozen=True)
class Evidence:
    """Everything that the decision rests on."""

    measured: Mapping[str, Any]
    """`trainer.evaluation.evaluator.Evaluation.measured` of candidate and champion."""
    trivials: Sequence[Trivial]
    """Trivial models on the same examples; without any no margin over them is believed."""
    blessed: bool | None
    """What TFX's Evaluator said of its thresholds; None when it validated nothing."""
    outcomes: np.ndarray | None = None
    """The candidate's own values on each example, `trainer.evaluation.evaluator.Evaluation.outcomes`."""
    champion_outcomes: np.ndarray | None = None
    """The champion's."""
    failures: Sequence[str] = ()
    """The metrics that the Evaluator found wanting."""
    tflite: Sequence[Mapping[str, Any]] = ()
    """Verdicts, the content of `tflite.json`."""


@dataclass(frozen=True)
class Policy:
    """What is asked for."""

    rules: Rules
    directions: Mapping[str, Direction]
    decisive: str
    """The metric by which the best trivial model is told."""
    reported: Sequence[str] = ()
    """Metrics that the training measured itself: the Evaluator knows nothing of them."""
    off: Sequence[str] = ()
    """Default rules that the configuration switched off: `accuracy.max_loss_to_champion`."""
    required_variants: Sequence[str] = field(default=())
    """TFLite variants without which there is no promotion; others that are withheld are a warning."""
    thresholds_key: str = "thresholds"
    """Where the configuration has the rules: `classifier.thresholds`."""
    examples_key: str = "the eval split"
    """What to change for more eval examples: `ingest.eval_fraction`."""


def decide(policy: Policy, evidence: Evidence) -> dict[str, Any]:
    """Approves the candidate when every check passes.

    A metric that was not measured, or is not a number, is a check that does not pass: what is unknown is not promoted.

    A first version is approved provisionally, to be a canary until a person promotes it, when all that fails is to beat
    the trivial models as asked, no model whatever could do so on these eval examples, and it surely beats those models
    that do not even look at them (`luck.excuse`).

    Returns:
        The content of `decision.json`: approved, provisional, reasons (what speaks against comes first), notes (what
        whoever reads of the version must know: that it is provisional, which guards are off), warnings, checks, metrics
        of candidate, champion (or None) and the best trivial model, its name, all trivial models' metrics by name,
        slices. None stands for a value that is not finite.
    """
    found = list(_checks(policy, evidence))
    failed = [check for check in found if not check.passed]
    in_favour = [check.text for check in found if check.passed and check.text]
    excuses = _excuses(policy, evidence, failed)
    notes = [sentences.provisional(excuses)] if excuses else []
    measured, best = evidence.measured, luck.strongest(evidence.trivials, _metric(policy, policy.decisive))
    return {
        "approved": not failed or bool(excuses),
        "provisional": bool(excuses),
        "reasons": [*notes, *(check.text for check in failed), *_hints(policy, failed, bool(excuses)), *in_favour],
        "notes": [*notes, *(f"{policy.thresholds_key}.{key} is off" for key in policy.off)],
        "warnings": _warnings(policy, evidence),
        "checks": [asdict(check) for check in found],
        "metrics": _without_nan(
            {"candidate": measured["candidate"], "champion": measured["champion"], "trivial": dict(best.metrics)}
        ),
        "trivial": best.name,
        "trivials": _without_nan({each.name: dict(each.metrics) for each in evidence.trivials}),
        "slices": _without_nan(measured["slices"]),
    }


def _checks(policy: Policy, evidence: Evidence) -> Iterator[Check]:
    for metric in policy.directions:
        value = evidence.measured["candidate"].get(metric)
        if not checks.finite(value):
            yield checks.measured(metric, OVERALL, value)
        elif metric in policy.rules:
            yield from _overall(_metric(policy, metric), value, policy, evidence)
    for metric, rule in policy.rules.items():
        yield from checks.in_slices(metric, rule, policy.directions[metric], evidence.measured)
    yield from _evaluator(policy, evidence)
    yield from _variants(policy, evidence)


def _overall(metric: Metric, value: float, policy: Policy, evidence: Evidence) -> Iterator[Check]:
    rule = policy.rules[metric.name]
    yield from checks.absolute(metric.name, OVERALL, value, rule.at_least, rule.at_most, "")
    yield from luck.over_trivials(metric, value, evidence.outcomes, evidence.trivials, rule)
    champion = evidence.measured["champion"]
    if champion is None:
        return
    if (allowed := rule.max_loss_to_champion) is not None:
        theirs = champion.get(metric.name)
        yield checks.loss(metric.name, OVERALL, value, theirs, allowed, metric.direction, "max_loss_to_champion")
    if (allowed := rule.max_probable_loss_to_champion) is not None:
        yield luck.probable_loss(metric, evidence.outcomes, evidence.champion_outcomes, allowed)


def _excuses(policy: Policy, evidence: Evidence, failed: Sequence[Check]) -> list[str]:
    """Why a first version that failed to beat the trivial models may be a canary all the same; [] if it may not."""
    if evidence.measured["champion"] is not None or any(not check.rule.startswith("beats_trivial") for check in failed):
        return []
    found = []
    for name in dict.fromkeys(check.metric for check in failed):
        why = luck.excuse(_metric(policy, name), evidence.outcomes, evidence.trivials, policy.rules[name])
        if not why:
            return []
        found += why
    return found


def _hints(policy: Policy, failed: Sequence[Check], provisional: bool) -> list[str]:
    """What to change where too few eval examples are the reason."""
    undecided = any(check.undecided for check in failed)
    if not provisional and not undecided:
        return []
    keys: dict[str, None] = {}
    for check in failed:
        if check.rule.startswith("beats_trivial"):
            rule = policy.rules[check.metric].model_dump(exclude_none=True)
            keys |= {f"{check.metric}.{name}": None for name in rule if name.startswith("beats_trivial")}
        elif check.undecided:
            keys[f"{check.metric}.{check.rule}"] = None
    more = policy.examples_key if undecided else None
    return [sentences.hint(more, policy.thresholds_key, keys)]


def _evaluator(policy: Policy, evidence: Evidence) -> Iterator[Check]:
    """The thresholds as TFX's Evaluator saw them; it says nothing where it was given none."""
    has_champion = evidence.measured["champion"] is not None
    expected = any(
        rule.at_least is not None
        or rule.at_most is not None
        or (has_champion and rule.max_loss_to_champion is not None)
        for name, rule in policy.rules.items()
        if name not in policy.reported
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


def _metric(policy: Policy, name: str) -> Metric:
    return Metric(name, policy.directions[name])


def _without_nan(values: Any) -> Any:
    """JSON knows no NaN and no infinity: None instead, at any depth of dicts."""
    if isinstance(values, Mapping):
        return {key: _without_nan(value) for key, value in values.items()}
    return None if isinstance(values, float) and not math.isfinite(values) else values
