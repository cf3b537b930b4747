"""The ImageFolderExampleGen component."""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts import types as easel_types
from components.image_folder_example_gen import executor


class ImageFolderExampleGenSpec(component_spec.ComponentSpec):
    """What goes in and out."""

    PARAMETERS = {
        "input_base": component_spec.ExecutionParameter(type=str),
        "layout": component_spec.ExecutionParameter(type=str),
        "options": component_spec.ExecutionParameter(type=str),
        "fingerprint": component_spec.ExecutionParameter(type=str),
        "base_ledger": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {}
    OUTPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "report": component_spec.ChannelParameter(type=easel_types.IngestReport),
        "ledger": component_spec.ChannelParameter(type=easel_types.SplitLedger),
    }


class ImageFolderExampleGen(base_beam_component.BaseBeamComponent):
    """Ingests a folder of images as splits `train` and `eval` of gzip TFRecord `tf.Example`s.

    ```
    options = IngestOptions()
    state = fingerprint("photos", options)
    photos = ImageFolderExampleGen(input_base="photos", options=options.model_dump_json(), fingerprint=state)
    statistics = StatisticsGen(examples=photos.outputs["examples"], stats_options=features.statistics_options())
    ```

    Outputs: `examples` (Examples, both splits always there, an empty one as an empty file), `report` (IngestReport) and
    `ledger` (SplitLedger), from which the next run is to start.
    """

    SPEC_CLASS = ImageFolderExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        input_base: str,
        options: str,
        fingerprint: str,
        layout: str = "auto",
        base_ledger: str = "",
        code: str = "",
    ):
        """Makes the component.

        Args:
          input_base: the folder.
          options: `IngestOptions` as JSON.
          fingerprint: the folder's state (`fingerprint.fingerprint`), so that the cache notices a changed file.
          layout: `auto` or `flat`, see `listing`.
          base_ledger: address of the SplitLedger to start from, as `ledger.base_for` says; empty for none.
          code: digest of the code that runs, so that a changed program is not served from the cache.
        """
        spec = ImageFolderExampleGenSpec(
            input_base=input_base,
            layout=layout,
            options=options,
            fingerprint=fingerprint,
            base_ledger=base_ledger,
            code=code,
            examples=types.Channel(type=standard_artifacts.Examples),
            report=types.Channel(type=easel_types.IngestReport),
            ledger=types.Channel(type=easel_types.SplitLedger),
        )
        super().__init__(spec=spec)
