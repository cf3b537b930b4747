"""The TFLiteExporter component."""

from tfx.types import standard_artifacts

from components.artifacts.types import TFLiteModels
from components.base.component import Component
from components.tflite_exporter import executor


class TFLiteExporter(Component):
    """Converts the parts of a model to TFLite and verifies each variant on held-out examples.

    ```
    exporter = TFLiteExporter(
        model=trainer.outputs["model"],
        examples=ingest.outputs["examples"],
        module_path="trainer.classifier.export.tflite",
        options=ClassifierTFLiteOptions().model_dump_json(),
    )
    ```

    Outputs: `tflite` (TFLiteModels).

    Args:
        model: the candidate; its parts lie in `tflite/<part>` of its folder.
        examples: split `eval` to verify on; int8 is calibrated on `train` where there is one, else on `eval`.
        module_path: the lane's module, with OPTIONS and parts(), see `trainer.tflite.contract`.
        options: that module's OPTIONS as JSON.
    """

    EXECUTOR = executor.Executor
    INPUTS = {"model": standard_artifacts.Model, "examples": standard_artifacts.Examples}
    PARAMETERS = {"module_path": str, "options": str}
    OUTPUTS = {"tflite": TFLiteModels}
