"""What a model must satisfy to be promoted: one `Rule` per metric, from the configuration's `thresholds`.

Light on purpose (no TensorFlow): the configuration is made of these, the Evaluator's thresholds are built from them
(`trainer.evaluation.evaluator.eval_config`) and the PromotionGate decides by them.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, model_validator

from trainer.base.options import Options

Direction = Literal["higher", "lower"]

EXAMPLE_RANGES: Mapping[str, tuple[float, float]] = {
    "accuracy": (0.0, 1.0),
    "brier": (0.0, 2.0),
    "content_distance": (0.0, math.inf),
    "style_distance": (0.0, math.inf),
    "ssim": (-1.0, 1.0),
    "colour_distance": (0.0, math.inf),
    "flicker": (0.0, math.inf),
}
"""Between what one example's own value lies, by metric. A metric that is not here (macro-F1, calibration error) is no
mean over examples: no example has a value of it, and nothing that holds tells its differences from luck."""

_RANGES: Mapping[str, tuple[float, float]] = {
    **EXAMPLE_RANGES,
    "macro_f1": (0.0, 1.0),
    "ece": (0.0, 1.0),
    "forgetting": (-1.0, math.inf),
}

OWN = ("forgetting",)
"""Metrics that a training measures of its own model: there are neither slices of them nor others to compare with."""

TOLERANCE = 1e-6
"""Differences below this are noise of floating-point numbers: .92 - .90 is not more than .02. Examples' own values are
float32."""


class Rule(Options):
    """The bounds of one metric; what is left out is as the defaults have it, and `null` asks for nothing.

    "Better" follows the metric's own direction. "Surely" and "with 95 % confidence" are one-sided and need a metric
    that is a mean over the eval examples (`trainer.evaluation.intervals`).
    """

    at_least: float | None = None
    """The candidate's value must not be below this."""
    at_most: float | None = None
    """The candidate's value must not be above this."""
    beats_trivial_by: NonNegativeFloat | None = None
    """Better than the best trivial model by at least this difference, in the metric's unit, and surely better at all;
    needs a metric that is a mean over examples."""
    beats_trivial_times: float | None = Field(default=None, gt=0)
    """At least this many times as good as the best trivial model (2: half of its distance), and surely better at all;
    needs a metric that is a mean over examples."""
    max_loss_to_champion: NonNegativeFloat | None = None
    """Worse than the version that serves by at most this difference, in the metric's unit; 0 allows no loss."""
    max_probable_loss_to_champion: NonNegativeFloat | None = None
    """With 95 % confidence worse than the version that serves by at most this, so that noise hides no loss; needs a
    metric that is a mean over examples."""
    every_slice_at_least: float | None = None
    """No slice (class, painting) may be below this."""
    every_slice_at_most: float | None = None
    """No slice (class, painting) may be above this."""
    max_slice_loss_to_champion: NonNegativeFloat | None = None
    """No slice may be worse than the version that serves by more than this difference."""

    @model_validator(mode="after")
    def _bounds_can_hold(self) -> "Rule":
        for low, high in (("at_least", "at_most"), ("every_slice_at_least", "every_slice_at_most")):
            lower, upper = getattr(self, low), getattr(self, high)
            if lower is not None and upper is not None and lower > upper:
                raise ValueError(f"{low} ({lower:g}) is above {high} ({upper:g}): nothing could satisfy both")
        return self


SURE = ("beats_trivial_by", "beats_trivial_times", "max_probable_loss_to_champion")
"""The fields of `Rule` that are told from luck, example by example."""

SHOWN_ONLY = "bucket/"
"""Slices by features whose names begin so are measured and shown, and bear no rule: a bucket may hold three photos."""
UNSEEN = SHOWN_ONLY + "unseen"
"""Names the feature that is 1 for what training does not see though its kind is known, such as a painting held out."""

Rules = dict[str, Rule]
"""Metric name -> what it must satisfy."""


def reaches(value: float, bound: float) -> bool:
    """Whether a value is at least a bound, but for `TOLERANCE`."""
    return value >= bound - TOLERANCE


def exceeds(value: float, bound: float) -> bool:
    """Whether a value is above a bound by more than `TOLERANCE`; NaN is not."""
    return value > bound + TOLERANCE


def merged(given: Any, defaults: Rules) -> Any:
    """The configuration's `thresholds` laid over the defaults, by metric and by rule; an explicit None stays one.

    What is not made of sections is left as it is, for the validation to refuse.
    """
    if not isinstance(given, Mapping):
        return given
    asked = {
        name: rule.model_dump(exclude_unset=True) if isinstance(rule, Rule) else rule for name, rule in given.items()
    }
    rules = {name: rule.model_dump(exclude_none=True) for name, rule in defaults.items()}
    return rules | {
        name: {**rules.get(name, {}), **rule} if isinstance(rule, Mapping) else rule for name, rule in asked.items()
    }


def switched_off(rules: Rules, defaults: Rules) -> list[str]:
    """The default rules that are not asked for, as keys below `thresholds`: `accuracy.max_loss_to_champion`."""
    return [
        f"{metric}.{name}"
        for metric, rule in defaults.items()
        for name in rule.model_dump(exclude_none=True)
        if getattr(rules.get(metric), name, None) is None
    ]


def require_meaning(rules: Rules) -> Rules:
    """The rules themselves.

    Raises:
        ValueError: a bound is no value that its metric can have, or a difference is as large as the metric's range: a
            slip (`95` for `0.95`) would refuse every model, or switch a guard off without saying so. Or the metric
            is compared with what it is not measured of, or how many times as good it is, though it may be negative.
    """
    for metric, rule in rules.items():
        low, high = _RANGES[metric]
        for name, bound in rule.model_dump(exclude_none=True).items():
            if metric in OWN and name not in ("at_least", "at_most"):
                raise ValueError(f"{metric} is measured of the candidate as a whole alone: it has no {name}")
            if name == "beats_trivial_times" and low < 0:
                raise ValueError(
                    f"{metric} may be negative, so no value is so many times as good; use beats_trivial_by"
                )
            if name == "beats_trivial_times" and bound < 1:
                raise ValueError(
                    f"{metric}.{name} is {bound:g}: worse than a trivial model; give 1 or more, null asks for nothing"
                )
            if name.endswith(("at_least", "at_most")) and not low <= bound <= high:
                raise ValueError(f"{metric}.{name} is {bound:g}, but {metric} lies between {low:g} and {high:g}")
            if name.endswith(("_by", "loss_to_champion")) and bound >= high - low:
                raise ValueError(
                    f"{metric}.{name} is {bound:g}, but no two models differ by more than {high - low:g}; "
                    "null asks for nothing"
                )
    return rules


def require_examples(rules: Rules) -> Rules:
    """The rules themselves.

    Raises:
        ValueError: a rule that is told from luck is for a metric that is no mean over examples.
    """
    for metric, rule in rules.items():
        asked = [name for name in SURE if getattr(rule, name) is not None]
        if asked and metric not in EXAMPLE_RANGES:
            means = " or ".join(name for name in rules if name in EXAMPLE_RANGES) or "another metric"
            raise ValueError(
                f"{metric} is no mean over examples, so nothing tells its differences from luck: "
                f"give {asked[0]} to {means}"
            )
    return rules
