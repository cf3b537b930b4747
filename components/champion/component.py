"""Champion: hands the version that serves to the Evaluator as its baseline.

TFX's `LatestBlessedModelStrategy` keeps a version that was rolled back and hands a cached candidate back as its own
champion; the serving directory's `stable` label does neither, and a component (unlike a custom resolver strategy) runs
on every orchestrator.
"""

from tfx.types import standard_artifacts

from components.artifacts.types import ChampionVerdict
from components.base.component import Component
from components.champion import executor


class Champion(Component):
    """Outputs `model`, a copy of the stable version or *no artifact* when nothing serves, and `verdict`.

    The Evaluator's `baseline_model` is optional and takes the empty channel. `verdict` has `changed` 0 when the
    candidate's content is the stable version's: there is nothing to decide then, and the lane ends as unchanged.

    Args:
        candidate: the model that was trained, or served from the cache.
        serving_dir: the registry's directory; a missing one has no champion.
        model_name: the model's name in it.
        key: `champion_key(serving_dir, model_name)` now, so that the cache notices a promotion or a rollback.
    """

    EXECUTOR = executor.Executor
    INPUTS = {"candidate": standard_artifacts.Model}
    PARAMETERS = {"serving_dir": str, "model_name": str, "key": str}
    OUTPUTS = {"model": standard_artifacts.Model, "verdict": ChampionVerdict}
