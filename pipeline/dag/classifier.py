"""The classifier's lane."""

from collections.abc import Mapping

from tfx import types
from tfx.components import Trainer, Transform, Tuner
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.proto import trainer_pb2

from pipeline.configuration.config import Config
from pipeline.dag.blueprint import CLASSIFIER, Blueprint, sections, training
from pipeline.dag.data import DataLane, gate
from pipeline.dag.promotion import judge_and_push
from pipeline.planning import warm_start
from pipeline.planning.snapshot import Snapshot
from trainer.classifier.evaluation import evaluator


def classifier_lane(plan: Blueprint, photos: DataLane, config: Config, world: Snapshot) -> None:
    """Transform, Trainer, and the way to the serving directory, for the classifier."""
    lane = config.classifier
    images = sections(lane, "image", "backbone")
    options = images | sections(lane, "train")
    found = world.tuned if lane.tuner.reuse else None
    with gate(plan, photos, CLASSIFIER, "photos", config.data_gate, needs_classes=True, world=world):
        transform = plan.add(
            Transform(
                examples=photos.examples,
                schema=photos.schema,
                preprocessing_fn="trainer.classifier.input.preprocessing.preprocessing_fn",
                custom_config={"options": images},
                disable_statistics=True,
            ),
            CLASSIFIER,
            "transform",
            "trainer.classifier.input.preprocessing",
        )

        given: dict = {"tuned": found} if found else {}
        best = None
        if lane.tuner.enabled and not found:
            given["tuner"] = lane.tuner.model_dump(mode="json")
            best = _search(plan, transform, photos, options, config)
        if lane.train.warm_start:
            given["warm_start"] = str(warm_start.description(config, lane))

        def train(
            title: str,
            module: str,
            options: dict,
            part: str | None = None,
            given: Mapping | None = None,
            best: types.BaseChannel | None = None,
        ) -> BaseComponent:
            return plan.add(
                Trainer(
                    run_fn=f"{module}.run_fn",
                    examples=transform.outputs["transformed_examples"],
                    transform_graph=transform.outputs["transform_graph"],
                    schema=photos.schema,
                    hyperparameters=best,
                    train_args=trainer_pb2.TrainArgs(splits=["train"]),
                    eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
                    custom_config=training(config, options, module, [world.folders[lane.photos]], given),
                ),
                CLASSIFIER,
                title,
                module,
                part=part,
            )

        judge_and_push(
            plan,
            CLASSIFIER,
            candidate=train("train", "trainer.classifier.training.run", options, given=given, best=best),
            trivial=train("train baseline", "trainer.classifier.training.baseline", images, part="trivial"),
            eval_examples=photos.examples,
            metrics=evaluator.metric_configs(),
            data={"photos": photos},
            options=lane,
            config=config,
            world=world,
        )


def _search(
    plan: Blueprint, transform: BaseComponent, photos: DataLane, options: dict, config: Config
) -> types.BaseChannel:
    """TFX's Tuner over the classifier's training; the best values that it finds."""
    tuner = plan.add(
        Tuner(
            tuner_fn="trainer.classifier.training.tuning.tuner_fn",
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            schema=photos.schema,
            train_args=trainer_pb2.TrainArgs(splits=["train"]),
            eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
            custom_config={
                "options": options,
                "seed": config.seed,
                "tuner": config.classifier.tuner.model_dump(mode="json"),
            },
        ),
        CLASSIFIER,
        "tune",
        "trainer.classifier.training.tuning",
    )
    return tuner.outputs["best_hyperparameters"]
