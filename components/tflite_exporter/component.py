"""The TFLiteExporter component."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts import types as easel_types
from components.tflite_exporter import executor


class TFLiteExporterSpec(component_spec.ComponentSpec):
    """What goes in and out."""

    PARAMETERS = {
        "module_path": component_spec.ExecutionParameter(type=str),
        "options": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"tflite": component_spec.ChannelParameter(type=easel_types.TFLiteModels)}


class TFLiteExporter(base_component.BaseComponent):
    """Converts the parts of a model to TFLite and verifies each variant on held-out examples.

    ```
    exporter = TFLiteExporter(
        model=trainer.outputs["model"],
        examples=ingest.outputs["examples"],
        module_path="trainer.classifier.tflite",
        options=ClassifierTFLiteOptions().model_dump_json(),
    )
    ```

    Outputs: `tflite` (TFLiteModels).
    """

    SPEC_CLASS = TFLiteExporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        module_path: str,
        options: str,
        code: str = "",
    ):
        """Makes the component.

        Args:
          model: the candidate; its parts lie in `tflite/<part>` of its folder.
          examples: split `eval` to verify on; int8 is calibrated on `train` where there is one, else on `eval`.
          module_path: the lane's module, with OPTIONS and parts(), see `trainer.tflite.parts`.
          options: that module's OPTIONS as JSON.
          code: digest of the code that runs.
        """
        spec = TFLiteExporterSpec(
            model=model,
            examples=examples,
            module_path=module_path,
            options=options,
            code=code,
            tflite=types.Channel(type=easel_types.TFLiteModels),
        )
        super().__init__(spec=spec)
