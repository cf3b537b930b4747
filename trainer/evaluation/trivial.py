"""What every model has to beat: models that learned nothing of the task."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trivial:
    """A trivial model, measured on the same examples as the candidate.

    Attributes:
        name: in a sentence, such as `the majority class`.
        metrics: as of a candidate.
        outcomes: each example's own values, as `evaluator.Evaluation.outcomes` gives them; None when they were
            not collected.
        blind: it does not even look at what it is asked about; what cannot beat it learned nothing at all.
    """

    name: str
    metrics: Mapping[str, float]
    outcomes: np.ndarray | None = None
    blind: bool = False
