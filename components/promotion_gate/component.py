"""The PromotionGate component."""

from tfx.types import standard_artifacts

from components.artifacts.types import Decision, TFLiteModels
from components.base.component import Component
from components.promotion_gate import executor


class PromotionGate(Component):
    """Decides whether the candidate may serve.

    ```
    gate = PromotionGate(evaluation=..., blessing=..., trivial_evaluation=..., tflite=..., rules=...,
                         module_path="trainer.classifier.evaluation.evaluator")
    with conditional.Cond(gate.outputs["decision"].future()[0].property("approved") == 1):
        ...
    ```

    Outputs: `decision` (Decision).

    Args:
        evaluation: from the Evaluator of candidate and champion, with `trainer.evaluation.evaluator.eval_config`.
        blessing: from the same Evaluator.
        trivial_evaluation: from the Evaluator of the trivial model that was trained, on the same examples.
        tflite: from TFLiteExporter.
        rules: `trainer.evaluation.rules.Rules` as JSON.
        module_path: the lane's module with METRICS (name -> `higher` or `lower`, whichever is better), REPORTED (the
            same of what the training may have measured), DECISIVE,
            `trivials` (of `trivial_evaluation`) and `slices` (of `evaluation`, besides those that TFMA measured).
        required_variants: TFLite variants without which there is no promotion, as a JSON list.
        model: the candidate, for the `metrics` in its `model.json`; what it does not report is not asked for.
        wording: what the sentences need of the configuration, as a JSON object: the fields `off`, `thresholds_key` and
            `examples_key` of `decide.Policy`.
    """

    EXECUTOR = executor.Executor
    INPUTS = {
        "evaluation": standard_artifacts.ModelEvaluation,
        "blessing": standard_artifacts.ModelBlessing,
        "trivial_evaluation": standard_artifacts.ModelEvaluation,
        "tflite": TFLiteModels,
    }
    OPTIONAL_INPUTS = {"model": standard_artifacts.Model}
    PARAMETERS = {"rules": str, "module_path": str, "required_variants": "[]", "wording": "{}"}
    OUTPUTS = {"decision": Decision}
