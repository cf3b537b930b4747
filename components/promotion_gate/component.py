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
        "module_path": component_spec.ExecutionParameter(type=str),
        "required_variants": component_spec.ExecutionParameter(type=str),
        "told": component_spec.ExecutionParameter(type=str),
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
    gate = PromotionGate(evaluation=..., blessing=..., trivial_evaluation=..., tflite=..., rules=...,
                         module_path="trainer.classifier.evaluation")
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
        module_path: str,
        required_variants: str = "[]",
        told: str = "{}",
        code: str = "",
    ):
        """Makes the component.

        Args:
          evaluation: from the Evaluator of candidate and champion, with `trainer.evaluation.eval_config`.
          blessing: from the same Evaluator.
          trivial_evaluation: from the Evaluator of the trivial model that was trained, on the same examples.
          tflite: from TFLiteExporter.
          rules: `trainer.rules.Rules` as JSON.
          module_path: the lane's module with METRICS (name -> `higher` or `lower`, whichever is better), DECISIVE,
            `trivials` (of `trivial_evaluation`) and `slices` (of `evaluation`, besides those that TFMA measured).
          required_variants: TFLite variants without which there is no promotion, as a JSON list.
          told: what the sentences need of the configuration, as a JSON object: the fields `off`, `thresholds_key` and
            `examples_key` of `decide.Policy`.
          code: digest of the code that runs.
        """
        spec = PromotionGateSpec(
            evaluation=evaluation,
            blessing=blessing,
            trivial_evaluation=trivial_evaluation,
            tflite=tflite,
            rules=rules,
            module_path=module_path,
            required_variants=required_variants,
            told=told,
            code=code,
            decision=types.Channel(type=easel_types.Decision),
        )
        super().__init__(spec=spec)
