"""DriftBaseline: hands the statistics of earlier data to TFX's DistributionValidator.

A Resolver would hand a run that changed nothing its own statistics. Which earlier statistics there are is known before
the run (`pipeline.history.baselines`) and is part of the cache key; that they are of other data is made sure of here.
"""

import json
from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.drift_baseline import executor


class DriftBaselineSpec(component_spec.ComponentSpec):
    """DriftBaseline's inputs, outputs and parameters."""

    PARAMETERS = {
        "candidates": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {"statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics)}
    OUTPUTS = {"baseline": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics)}


class DriftBaseline(base_component.BaseComponent):
    """Outputs `baseline`, a copy of the first candidate that describes other data, or *no artifact*.

    DistributionValidator's `baseline_statistics` takes the empty channel and then approves.

    Args:
        statistics: of the data of this run.
        candidates: folders of statistics, the preferred one first.
        code: digest of the code that runs.
    """

    SPEC_CLASS = DriftBaselineSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, statistics: channel.BaseChannel, candidates: Sequence[str], code: str = ""):
        spec = DriftBaselineSpec(
            statistics=statistics,
            candidates=json.dumps(list(candidates)),
            code=code,
            baseline=channel.Channel(type=standard_artifacts.ExampleStatistics),
        )
        super().__init__(spec=spec)
