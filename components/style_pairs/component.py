"""The StylePairs component."""

from tfx.types import standard_artifacts

from components.base.component import Component
from components.style_pairs import executor


class StylePairs(Component):
    """Pairs photos of the eval split with paintings, for the evaluation of a style network.

    ```
    pairs = StylePairs(
        photos=photos.outputs["examples"], paintings=paintings.outputs["examples"],
        options=PairOptions().model_dump_json(), seed=1,
    )
    ```

    Outputs: `examples` (Examples, split `eval`), with the features of `components.style_pairs.pairs`.

    Args:
        photos: as ingested, splits `train` and `eval`.
        paintings: likewise.
        options: `PairOptions` as JSON.
        seed: another seed chooses others.
    """

    EXECUTOR = executor.Executor
    INPUTS = {"photos": standard_artifacts.Examples, "paintings": standard_artifacts.Examples}
    PARAMETERS = {"options": str, "seed": int}
    OUTPUTS = {"examples": standard_artifacts.Examples}
