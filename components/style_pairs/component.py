"""The StylePairs component."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.style_pairs import executor


class StylePairsSpec(component_spec.ComponentSpec):
    """What goes in and out."""

    PARAMETERS = {
        "options": component_spec.ExecutionParameter(type=str),
        "seed": component_spec.ExecutionParameter(type=int),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "photos": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "paintings": component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class StylePairs(base_component.BaseComponent):
    """Pairs photos of the eval split with paintings, for the evaluation of a style network.

    ```
    pairs = StylePairs(
        photos=photos.outputs["examples"], paintings=paintings.outputs["examples"],
        options=PairOptions().model_dump_json(), seed=1,
    )
    ```

    Outputs: `examples` (Examples, split `eval`), with the features of `components.style_pairs.pairs`.
    """

    SPEC_CLASS = StylePairsSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self, photos: types.BaseChannel, paintings: types.BaseChannel, options: str, seed: int, code: str = ""
    ):
        """Makes the component.

        Args:
          photos, paintings: as ingested, splits `train` and `eval`.
          options: `PairOptions` as JSON.
          seed: another seed chooses others.
          code: digest of the code that runs.
        """
        spec = StylePairsSpec(
            photos=photos,
            paintings=paintings,
            options=options,
            seed=seed,
            code=code,
            examples=types.Channel(type=standard_artifacts.Examples),
        )
        super().__init__(spec=spec)
