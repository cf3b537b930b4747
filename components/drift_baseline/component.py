"""DriftBaseline: hands the statistics of earlier data to TFX's DistributionValidator.

A Resolver would hand a run that changed nothing its own statistics. Which earlier statistics there are is known before
the run (`pipeline.history.baselines`) and is part of the cache key; that they are of other data is made sure of here.
"""

import json
from collections.abc import Sequence
from typing import Any

from tfx.types import standard_artifacts

from components.base.component import Component
from components.drift_baseline import executor


class DriftBaseline(Component):
    """Outputs `baseline`, a copy of the first candidate that describes other data, or *no artifact*.

    DistributionValidator's `baseline_statistics` takes the empty channel and then approves.

    Args:
        statistics: of the data of this run.
        candidates: folders of statistics, the preferred one first.
    """

    EXECUTOR = executor.Executor
    INPUTS = {"statistics": standard_artifacts.ExampleStatistics}
    PARAMETERS = {"candidates": str}
    OUTPUTS = {"baseline": standard_artifacts.ExampleStatistics}

    def __init__(self, candidates: Sequence[str], **arguments: Any):
        super().__init__(candidates=json.dumps(list(candidates)), **arguments)
