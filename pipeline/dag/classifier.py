"""The classifier's lane."""

import functools

from tfx import types
from tfx.components import Trainer, Tuner
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.proto import trainer_pb2

from pipeline.configuration.config import Config
from pipeline.dag.blueprint import CLASSIFIER, Blueprint, sections, training
from pipeline.dag.data import DataLane, gate, transform
from pipeline.dag.promotion import judge_and_push
from pipeline.planning import warm_start
from pipeline.planning.snapshot import Snapshot
from trainer.classifier.evaluation import evaluator


def classifier_lane(plan: Blueprint, photos: DataLane, config: Config, world: Snapshot) -> None:
    """Transform, Trainer, and the way to the serving directory, for the classifier."""
    lane = config.classifier
    images = sections(lane, "image", "backbone")
    options = images | sections(lane, "train")
    folders = [world.folders[lane.photos]]
    found = world.tuned if lane.tuner.reuse else None
    with gate(plan, photos, CLASSIFIER, "photos", config.data_gate, needs_classes=True, world=world):
        graph = transform(plan, CLASSIFIER, photos, images)
        given: dict = {"tuned": found} if found else {}
        best = None
        if lane.tuner.enabled and not found:
            given["tuner"] = lane.tuner.model_dump(mode="json")
            best = _search(plan, graph, photos, options, config)
        if lane.train.warm_start:
            given["warm_start"] = str(warm_start.description(config, lane))
        run, baseline = "trainer.classifier.training.run", "trainer.classifier.training.baseline"
        train = functools.partial(_train, plan, graph, photos)
        judge_and_push(
            plan,
            CLASSIFIER,
            candidate=train("train", run, training(config, options, run, folders, given), best=best),
            trivial=train("train baseline", baseline, training(config, images, baseline, folders), part="trivial"),
            eval_examples=photos.examples,
            metrics=evaluator.metric_configs(),
            data={"photos": photos},
            options=lane,
            config=config,
            world=world,
        )


def _train(
    plan: Blueprint,
    graph: BaseComponent,
    photos: DataLane,
    title: str,
    module: str,
    custom_config: dict,
    part: str | None = None,
    best: types.BaseChannel | None = None,
) -> BaseComponent:
    trainer = Trainer(
        run_fn=f"{module}.run_fn",
        hyperparameters=best,
        custom_config=custom_config,
        **_inputs(graph, photos),
    )
    return plan.add(trainer, CLASSIFIER, title, module, part=part)


def _search(
    plan: Blueprint, graph: BaseComponent, photos: DataLane, options: dict, config: Config
) -> types.BaseChannel:
    """TFX's Tuner over the classifier's training; the best values that it finds."""
    space = config.classifier.tuner.model_dump(mode="json")
    module = "trainer.classifier.training.tuning"
    tuner = Tuner(
        tuner_fn=f"{module}.tuner_fn",
        custom_config={"options": options, "seed": config.seed, "tuner": space},
        **_inputs(graph, photos),
    )
    return plan.add(tuner, CLASSIFIER, "tune", module).outputs["best_hyperparameters"]


def _inputs(graph: BaseComponent, photos: DataLane) -> dict:
    return {
        "examples": graph.outputs["transformed_examples"],
        "transform_graph": graph.outputs["transform_graph"],
        "schema": photos.schema,
        "train_args": trainer_pb2.TrainArgs(splits=["train"]),
        "eval_args": trainer_pb2.EvalArgs(splits=["eval"]),
    }
