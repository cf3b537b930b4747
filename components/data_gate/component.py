"""The DataGate component."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts import types as easel_types
from components.data_gate import executor


def _optional(artifact_type: type) -> component_spec.ChannelParameter:
    return component_spec.ChannelParameter(type=artifact_type, optional=True)


class DataGateSpec(component_spec.ComponentSpec):
    """What goes in and out."""

    PARAMETERS = {
        "options": component_spec.ExecutionParameter(type=str),
        "needs_classes": component_spec.ExecutionParameter(type=int),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "report": component_spec.ChannelParameter(type=easel_types.IngestReport),
        "skew": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "previous_baseline": _optional(standard_artifacts.ExampleStatistics),
        "previous_drift": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "champion_baseline": _optional(standard_artifacts.ExampleStatistics),
        "champion_drift": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {"verdict": component_spec.ChannelParameter(type=easel_types.DataVerdict)}


class DataGate(base_component.BaseComponent):
    """Decides whether a lane's data may be trained on.

    ```
    gate = DataGate(examples=..., statistics=..., schema=..., ..., options="{}", needs_classes=1)
    with conditional.Cond(gate.outputs["verdict"].future()[0].property("passed") == 1):
        ...
    ```

    Outputs: `verdict` (DataVerdict).
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        schema: types.BaseChannel,
        anomalies: types.BaseChannel,
        report: types.BaseChannel,
        skew: types.BaseChannel,
        previous_baseline: types.BaseChannel,
        previous_drift: types.BaseChannel,
        champion_baseline: types.BaseChannel,
        champion_drift: types.BaseChannel,
        options: str,
        needs_classes: int,
        code: str = "",
    ):
        """Makes the component.

        Args:
          examples: from ImageFolderExampleGen; read only to name the files behind a finding.
          statistics: from StatisticsGen, splits `train` and `eval`.
          schema: from SchemaSource.
          anomalies: from ExampleValidator.
          report: from ImageFolderExampleGen.
          skew: from DistributionValidator, of eval with train.
          previous_baseline: from DriftBaseline, the statistics of the data before; may be empty.
          previous_drift: from DistributionValidator, of train with theirs.
          champion_baseline: the same of the data that the serving version was trained on.
          champion_drift: the same.
          options: `GateOptions` as JSON.
          needs_classes: 1 if the lane trains on the classes, 0 if they do not matter.
          code: digest of the code that runs.
        """
        spec = DataGateSpec(
            examples=examples,
            statistics=statistics,
            schema=schema,
            anomalies=anomalies,
            report=report,
            skew=skew,
            previous_baseline=previous_baseline,
            previous_drift=previous_drift,
            champion_baseline=champion_baseline,
            champion_drift=champion_drift,
            options=options,
            needs_classes=needs_classes,
            code=code,
            verdict=types.Channel(type=easel_types.DataVerdict),
        )
        super().__init__(spec=spec)
