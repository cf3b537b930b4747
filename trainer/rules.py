"""What a model must satisfy to be promoted: one `Rule` per metric, from the configuration's `thresholds`.

Light on purpose (no TensorFlow): the configuration is made of these, the Evaluator's thresholds are built from them
(`trainer.evaluation.eval_config`) and the PromotionGate decides by them.
"""

from typing import Literal

from pydantic import Field, NonNegativeFloat, model_validator

from trainer.options import Options

Direction = Literal["higher", "lower"]


class Rule(Options):
    """The bounds of one metric; what is left out is not asked for. "Better" follows the metric's own direction.

    "Surely" and "with 95 % confidence" are one-sided and come from a paired bootstrap over the eval examples, where the
    metric is a mean over examples.
    """

    at_least: float | None = None
    """The candidate's value must not be below this."""
    at_most: float | None = None
    """The candidate's value must not be above this."""
    beats_trivial_by: NonNegativeFloat | None = None
    """Better than the trivial baseline by at least this difference, in the metric's unit, and surely better at all."""
    beats_trivial_times: float | None = Field(default=None, gt=0)
    """At least this many times as good as the trivial baseline (2: half of its distance), and surely better at all."""
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


SHOWN_ONLY = "bucket/"
"""Slices by features whose names begin so are measured and shown, and bear no rule: a bucket may hold three photos."""
UNSEEN = SHOWN_ONLY + "unseen"
"""Names the feature that is 1 for what training does not see though its kind is known, such as a painting held out."""

Rules = dict[str, Rule]
"""Metric name -> what it must satisfy."""
