"""The style network's lane."""

import json
from collections.abc import Mapping

from tfx.components import Transform
from tfx.dsl.components.base.base_component import BaseComponent

from components.style_pairs.component import StylePairs
from components.style_trainer.component import StyleTrainer
from pipeline.configuration.config import Config
from pipeline.dag.blueprint import STYLE, Blueprint, sections, training
from pipeline.dag.data import DataLane, gate
from pipeline.dag.promotion import judge_and_push
from pipeline.planning import warm_start
from pipeline.planning.snapshot import Snapshot
from trainer.style.evaluation import evaluator


def style_lane(plan: Blueprint, photos: DataLane, paintings: DataLane, config: Config, world: Snapshot) -> None:
    """Two Transforms, StyleTrainer, evaluation pairs, and the way to the serving directory, for the style network."""
    lane = config.style
    images = sections(lane, "image")
    options = images | sections(lane, "perceptual", "encoder", "network", "train")
    folders = [world.folders[lane.photos], world.folders[lane.paintings]]
    photos_pass = gate(plan, photos, STYLE, "photos", config.data_gate, needs_classes=False, world=world)
    # Paintings are evaluated whether or not the network was trained on them; few folders can spare one.
    lenient = config.data_gate.model_copy(update={"empty_eval": "ignore"})
    paintings_pass = gate(plan, paintings, STYLE, "paintings", lenient, needs_classes=False, world=world)
    with photos_pass, paintings_pass:

        def transform(data: DataLane, name: str) -> BaseComponent:
            return plan.add(
                Transform(
                    examples=data.examples,
                    schema=data.schema,
                    preprocessing_fn="trainer.style.input.preprocessing.preprocessing_fn",
                    custom_config={"options": images},
                    disable_statistics=True,
                ),
                STYLE,
                f"transform {name}",
                "trainer.style.input.preprocessing",
                part=name,
            )

        photos_tensors, paintings_tensors = transform(photos, "photos"), transform(paintings, "paintings")
        pairs = plan.add(
            StylePairs(
                photos=photos.examples,
                paintings=paintings.examples,
                options=lane.pairs.model_dump_json(),
                seed=config.seed,
            ),
            STYLE,
            "evaluation pairs",
        )

        def train(
            title: str, module: str, options: dict, part: str | None = None, given: Mapping | None = None
        ) -> BaseComponent:
            return plan.add(
                StyleTrainer(
                    photos=photos_tensors.outputs["transformed_examples"],
                    paintings=paintings_tensors.outputs["transformed_examples"],
                    photos_graph=photos_tensors.outputs["transform_graph"],
                    paintings_graph=paintings_tensors.outputs["transform_graph"],
                    run_fn=f"{module}.run_fn",
                    custom_config=json.dumps(training(config, options, module, folders) | dict(given or {})),
                ),
                STYLE,
                title,
                module,
                part=part,
            )

        champion = {"champion": str(warm_start.description(config, lane))}
        start = champion if warm_start.may_start_from_champion(lane) else {}
        judge_and_push(
            plan,
            STYLE,
            candidate=train("train", "trainer.style.training.run", options, given=start),
            trivial=train("train baseline", "trainer.style.training.baseline", images, part="trivial"),
            eval_examples=pairs.outputs["examples"],
            metrics=evaluator.metric_configs(lane.perceptual),
            data={"photos": photos, "paintings": paintings},
            options=lane,
            config=config,
            world=world,
        )
