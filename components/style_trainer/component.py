"""The StyleTrainer component."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.style_trainer import executor


class StyleTrainerSpec(component_spec.ComponentSpec):
    """What goes in and out."""

    PARAMETERS = {
        "run_fn": component_spec.ExecutionParameter(type=str),
        "custom_config": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "photos": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "paintings": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "photos_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
        "paintings_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_run": component_spec.ChannelParameter(type=standard_artifacts.ModelRun),
    }


class StyleTrainer(base_component.BaseComponent):
    """TFX's Trainer for two sets of examples: calls `run_fn(FnArgs)`.

    ```
    trainer = StyleTrainer(
        photos=transform_photos.outputs["transformed_examples"],
        paintings=transform_paintings.outputs["transformed_examples"],
        photos_graph=transform_photos.outputs["transform_graph"],
        paintings_graph=transform_paintings.outputs["transform_graph"],
        run_fn="trainer.style.training.run_fn",
        custom_config=json.dumps({"options": {...}, "seed": 1}),
    )
    ```

    `FnArgs` are about the photos; `custom_config` gets `paintings_files`, `paintings_eval_files` and
    `paintings_transform_graph` besides what it has.

    Outputs: `model` (Model), `model_run` (ModelRun).
    """

    SPEC_CLASS = StyleTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        photos: types.BaseChannel,
        paintings: types.BaseChannel,
        photos_graph: types.BaseChannel,
        paintings_graph: types.BaseChannel,
        run_fn: str,
        custom_config: str,
        code: str = "",
    ):
        """Makes the component.

        Args:
          photos, paintings: transformed, splits `train` and `eval`.
          photos_graph, paintings_graph: what transformed them.
          run_fn: import path of the function.
          custom_config: JSON object.
          code: digest of the code that runs.
        """
        spec = StyleTrainerSpec(
            photos=photos,
            paintings=paintings,
            photos_graph=photos_graph,
            paintings_graph=paintings_graph,
            run_fn=run_fn,
            custom_config=custom_config,
            code=code,
            model=types.Channel(type=standard_artifacts.Model),
            model_run=types.Channel(type=standard_artifacts.ModelRun),
        )
        super().__init__(spec=spec)
