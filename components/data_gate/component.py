"""The DataGate component."""

from tfx.types import standard_artifacts

from components.artifacts.types import DataVerdict, IngestReport
from components.base.component import Component
from components.data_gate import executor


class DataGate(Component):
    """Decides whether a lane's data may be trained on.

    ```
    gate = DataGate(examples=..., statistics=..., schema=..., ..., options="{}", needs_classes=1)
    with conditional.Cond(gate.outputs["verdict"].future()[0].property("passed") == 1):
        ...
    ```

    Outputs: `verdict` (DataVerdict).

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
    """

    EXECUTOR = executor.Executor
    INPUTS = {
        "examples": standard_artifacts.Examples,
        "statistics": standard_artifacts.ExampleStatistics,
        "schema": standard_artifacts.Schema,
        "anomalies": standard_artifacts.ExampleAnomalies,
        "report": IngestReport,
        "skew": standard_artifacts.ExampleAnomalies,
        "previous_drift": standard_artifacts.ExampleAnomalies,
        "champion_drift": standard_artifacts.ExampleAnomalies,
    }
    OPTIONAL_INPUTS = {
        "previous_baseline": standard_artifacts.ExampleStatistics,
        "champion_baseline": standard_artifacts.ExampleStatistics,
    }
    PARAMETERS = {"options": str, "needs_classes": int}
    OUTPUTS = {"verdict": DataVerdict}
