"""Champion: hands the version that serves to the Evaluator as its baseline.

TFX's `LatestBlessedModelStrategy` keeps a version that was rolled back and hands a cached candidate back as its own
champion; the serving directory's `stable` label does neither, and a component (unlike a custom resolver strategy) runs
on every orchestrator.
"""

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.artifacts.types import ChampionVerdict
from components.champion import executor


class ChampionSpec(component_spec.ComponentSpec):
    """Champion's inputs, outputs and parameters."""

    PARAMETERS = {
        "serving_dir": component_spec.ExecutionParameter(type=str),
        "model_name": component_spec.ExecutionParameter(type=str),
        "key": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {"candidate": component_spec.ChannelParameter(type=standard_artifacts.Model)}
    OUTPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "verdict": component_spec.ChannelParameter(type=ChampionVerdict),
    }


class Champion(base_component.BaseComponent):
    """Outputs `model`, a copy of the stable version or *no artifact* when nothing serves, and `verdict`.

    The Evaluator's `baseline_model` is optional and takes the empty channel. `verdict` has `changed` 0 when the
    candidate's content is the stable version's: there is nothing to decide then, and the lane ends as unchanged.

    Args:
        candidate: the model that was trained, or served from the cache.
        serving_dir: the registry's directory; a missing one has no champion.
        model_name: the model's name in it.
        key: `champion_key(serving_dir, model_name)` now, so that the cache notices a promotion or a rollback.
    """

    SPEC_CLASS = ChampionSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, candidate: channel.BaseChannel, serving_dir: str, model_name: str, key: str):
        spec = ChampionSpec(
            candidate=candidate,
            serving_dir=serving_dir,
            model_name=model_name,
            key=key,
            model=channel.Channel(type=standard_artifacts.Model),
            verdict=channel.Channel(type=ChampionVerdict),
        )
        super().__init__(spec=spec)
