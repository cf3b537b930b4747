"""The StyleTrainer component."""

from tfx.types import standard_artifacts

from components.base.component import Component
from components.style_trainer import executor


class StyleTrainer(Component):
    """TFX's Trainer for two sets of examples: calls `run_fn(FnArgs)`.

    ```
    trainer = StyleTrainer(
        photos=transform_photos.outputs["transformed_examples"],
        paintings=transform_paintings.outputs["transformed_examples"],
        photos_graph=transform_photos.outputs["transform_graph"],
        paintings_graph=transform_paintings.outputs["transform_graph"],
        run_fn="trainer.style.training.run.run_fn",
        custom_config=json.dumps({"options": {...}, "seed": 1}),
    )
    ```

    `FnArgs` are about the photos; `custom_config` gets `paintings_files`, `paintings_eval_files` and
    `paintings_transform_graph` besides what it has.

    Outputs: `model` (Model), `model_run` (ModelRun).

    Args:
        photos: transformed, splits `train` and `eval`.
        paintings: likewise.
        photos_graph: what transformed the photos.
        paintings_graph: what transformed the paintings.
        run_fn: import path of the function.
        custom_config: JSON object.
    """

    EXECUTOR = executor.Executor
    INPUTS = {
        "photos": standard_artifacts.Examples,
        "paintings": standard_artifacts.Examples,
        "photos_graph": standard_artifacts.TransformGraph,
        "paintings_graph": standard_artifacts.TransformGraph,
    }
    PARAMETERS = {"run_fn": str, "custom_config": str}
    OUTPUTS = {"model": standard_artifacts.Model, "model_run": standard_artifacts.ModelRun}
