"""The PromotionGate component."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts import types as easel_types
from components.promotion_gate import executor


class PromotionGateSpec(component_spec.ComponentSpec):
    """What goes in and out."""

    PARAMETERS = {
        "rules": component_spec.ExecutionParameter(type=str),
        "metrics": component_spec.ExecutionParameter(type=str),
        "trivial_name": component_spec.ExecutionParameter(type=str),
        "required_variants": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "trivial_evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "tflite": component_spec.ChannelParameter(type=easel_types.TFLiteModels),
    }
    OUTPUTS = {"decision": component_spec.ChannelParameter(type=easel_types.Decision)}


class PromotionGate(base_component.BaseComponent):
    """Decides whether the candidate may serve.

    ```
    gate = PromotionGate(evaluation=..., blessing=..., trivial_evaluation=..., tflite=..., rules=..., metrics=...)
    with conditional.Cond(gate.outputs["decision"].future()[0].property("approved") == 1):
        ...
    ```

    Outputs: `decision` (Decision).
    """

    SPEC_CLASS = PromotionGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        trivial_evaluation: types.BaseChannel,
        tflite: types.BaseChannel,
        rules: str,
        metrics: str,
        trivial_name: str = "the trivial baseline",
        required_variants: str = "[]",
        code: str = "",
    ):
        """Makes the component.

        Args:
          evaluation: from the Evaluator of candidate and champion, with `trainer.evaluation.eval_config`.
          blessing: from the same Evaluator.
          trivial_evaluation: from the Evaluator of the trivial baseline, on the same examples.
          tflite: from TFLiteExporter.
          rules: `trainer.rules.Rules` as JSON.
          metrics: the lane's METRICS as JSON: metric name -> `higher` or `lower`, whichever is better.
          trivial_name: how to call the trivial baseline in a sentence, such as `colour transfer`.
          required_variants: TFLite variants without which there is no promotion, as a JSON list.
          code: digest of the code that runs.
        """
        spec = PromotionGateSpec(
            evaluation=evaluation,
            blessing=blessing,
            trivial_evaluation=trivial_evaluation,
            tflite=tflite,
            rules=rules,
            metrics=metrics,
            trivial_name=trivial_name,
            required_variants=required_variants,
            code=code,
            decision=types.Channel(type=easel_types.Decision),
        )
        super().__init__(spec=spec)
