"""From a trained model to the serving directory: the same for every kind of model."""

import json

import tensorflow_model_analysis as tfma
from tfx import types
from tfx.components import Evaluator
from tfx.dsl.components.base.base_component import BaseComponent

from components.champion.component import Champion
from components.promotion_gate.component import PromotionGate
from components.serving_pusher.component import ServingPusher
from components.tflite_exporter.component import TFLiteExporter
from pipeline.configuration.config import Config
from pipeline.dag.blueprint import CLASSIFIER, STYLE, Blueprint, when
from pipeline.dag.data import DataLane
from pipeline.planning.snapshot import Snapshot
from trainer.classifier import evaluation as classifier_evaluation
from trainer.evaluation import eval_config
from trainer.options import Options
from trainer.rules import Rules
from trainer.style import evaluation as style_evaluation


def judge_and_push(
    plan: Blueprint,
    lane: str,
    *,
    candidate: BaseComponent,
    trivial: BaseComponent,
    eval_examples: types.BaseChannel,
    metrics: list[tfma.MetricConfig],
    data: dict[str, DataLane],
    options: Options,
    config: Config,
    world: Snapshot,
) -> None:
    """Champion, both Evaluators, TFLite, decision and push: the same for every kind of model."""
    module = {CLASSIFIER: classifier_evaluation, STYLE: style_evaluation}[lane]
    champion = plan.add(
        Champion(
            candidate=candidate.outputs["model"],
            serving_dir=str(config.serving),
            model_name=options.name,
            key=world.champions[options.name],
        ),
        lane,
        "champion",
    )

    def evaluate(title: str, rules: Rules, part: str | None = None, **models: types.BaseChannel) -> BaseComponent:
        return plan.add(
            Evaluator(
                examples=eval_examples,
                example_splits=["eval"],
                eval_config=eval_config(metrics, module.METRICS, rules, module.SLICES),
                module_path=module.__name__,
                **models,
            ),
            lane,
            title,
            module.__name__,
            part=part,
        )

    with when(champion.outputs["verdict"], "changed"):
        evaluation = evaluate(
            "evaluate",
            options.thresholds,
            model=candidate.outputs["model"],
            baseline_model=champion.outputs["model"],
        )
        reference = evaluate("evaluate baseline", {}, part="trivial", model=trivial.outputs["model"])
        tflite = plan.add(
            TFLiteExporter(
                model=candidate.outputs["model"],
                examples=eval_examples,
                module_path=f"trainer.{lane}.tflite",
                options=options.tflite.model_dump_json(),
            ),
            lane,
            "TFLite",
            f"trainer.{lane}.tflite",
        )
        decision = plan.add(
            PromotionGate(
                evaluation=evaluation.outputs["evaluation"],
                blessing=evaluation.outputs["blessing"],
                trivial_evaluation=reference.outputs["evaluation"],
                tflite=tflite.outputs["tflite"],
                rules=json.dumps({name: rule.model_dump(mode="json") for name, rule in options.thresholds.items()}),
                module_path=module.__name__,
                required_variants=json.dumps(options.tflite.required),
                told=json.dumps(
                    {
                        "off": options.guards_off,
                        "thresholds_key": f"{lane}.thresholds",
                        "examples_key": {CLASSIFIER: "ingest.eval_fraction", STYLE: "style.pairs.photos"}[lane],
                    }
                ),
            ),
            lane,
            "decide",
            module.__name__,
        )
        with when(decision.outputs["decision"], "approved"):
            plan.add(
                ServingPusher(
                    model=candidate.outputs["model"],
                    decision=decision.outputs["decision"],
                    tflite=tflite.outputs["tflite"],
                    examples=eval_examples,
                    **{name: each.examples for name, each in data.items()},
                    **{f"{name}_report": each.report for name, each in data.items()},
                    **{f"{name}_schema": each.schema for name, each in data.items()},
                    **{f"{name}_statistics": each.statistics for name, each in data.items()},
                    serving_dir=str(config.serving),
                    model_name=options.name,
                    base_path=config.serving_base_path,
                    policy=config.promotion,
                    server=config.serving_address or "",
                    server_tls=config.serving_tls.model_dump_json(),
                    signing_key=config.signing_key or "",
                    lineage=json.dumps({"configuration": config.described(), **world.provenance}),
                    nonce=world.nonce,
                ),
                lane,
                "push",
            )
