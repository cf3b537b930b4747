"""From a trained model to the serving directory: the same for every kind of model."""

import functools
import json
from types import ModuleType

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
from trainer.base.options import Options
from trainer.classifier.evaluation import evaluator as classifier_evaluation
from trainer.evaluation.evaluator import eval_config
from trainer.evaluation.rules import Rules
from trainer.style.evaluation import evaluator as style_evaluation


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

    evaluate = functools.partial(_evaluator, plan, lane, module, metrics, eval_examples)
    with when(champion.outputs["verdict"], "changed"):
        evaluation = evaluate(
            "evaluate",
            rules={name: rule for name, rule in options.thresholds.items() if name in module.METRICS},
            model=candidate.outputs["model"],
            baseline_model=champion.outputs["model"],
        )
        reference = evaluate("evaluate baseline", rules={}, part="trivial", model=trivial.outputs["model"])
        tflite = plan.add(
            TFLiteExporter(
                model=candidate.outputs["model"],
                examples=eval_examples,
                module_path=f"trainer.{lane}.export.tflite",
                options=options.tflite.model_dump_json(),
            ),
            lane,
            "TFLite",
            f"trainer.{lane}.export.tflite",
        )
        decision = plan.add(
            _gate(lane, module, candidate, evaluation, reference, tflite, options), lane, "decide", module.__name__
        )
        with when(decision.outputs["decision"], "approved"):
            push = _pusher(candidate, decision, tflite, eval_examples, data, options, config, world)
            plan.add(push, lane, "push")


def _evaluator(
    plan: Blueprint,
    lane: str,
    module: ModuleType,
    metrics: list[tfma.MetricConfig],
    examples: types.BaseChannel,
    title: str,
    rules: Rules,
    part: str | None = None,
    **models: types.BaseChannel,
) -> BaseComponent:
    """TFX's Evaluator of one model, or of two, by the lane's module of metrics."""
    evaluator = Evaluator(
        examples=examples,
        example_splits=["eval"],
        eval_config=eval_config(metrics, module.METRICS, rules, module.SLICES),
        module_path=module.__name__,
        **models,
    )
    return plan.add(evaluator, lane, title, module.__name__, part=part)


def _gate(
    lane: str,
    module: ModuleType,
    candidate: BaseComponent,
    evaluation: BaseComponent,
    reference: BaseComponent,
    tflite: BaseComponent,
    options: Options,
) -> PromotionGate:
    wording = {
        "off": options.guards_off,
        "thresholds_key": f"{lane}.thresholds",
        "examples_key": {CLASSIFIER: "ingest.eval_fraction", STYLE: "style.pairs.photos"}[lane],
    }
    return PromotionGate(
        evaluation=evaluation.outputs["evaluation"],
        blessing=evaluation.outputs["blessing"],
        trivial_evaluation=reference.outputs["evaluation"],
        tflite=tflite.outputs["tflite"],
        model=candidate.outputs["model"],
        rules=json.dumps({name: rule.model_dump(mode="json") for name, rule in options.thresholds.items()}),
        module_path=module.__name__,
        required_variants=json.dumps(options.tflite.required),
        wording=json.dumps(wording),
    )


def _pusher(
    candidate: BaseComponent,
    decision: BaseComponent,
    tflite: BaseComponent,
    examples: types.BaseChannel,
    data: dict[str, DataLane],
    options: Options,
    config: Config,
    world: Snapshot,
) -> ServingPusher:
    return ServingPusher(
        model=candidate.outputs["model"],
        decision=decision.outputs["decision"],
        tflite=tflite.outputs["tflite"],
        examples=examples,
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
    )
