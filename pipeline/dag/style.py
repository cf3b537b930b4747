"""The style network's lane."""

import functools
import json

from tfx.dsl.components.base.base_component import BaseComponent

from components.style_pairs.component import StylePairs
from components.style_trainer.component import StyleTrainer
from pipeline.configuration.config import Config
from pipeline.dag.blueprint import STYLE, Blueprint, sections, training
from pipeline.dag.data import DataLane, gate, transform
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
        lanes = {"photos": photos, "paintings": paintings}
        graphs = [transform(plan, STYLE, data, images, part) for part, data in lanes.items()]
        pairs = StylePairs(
            photos=photos.examples,
            paintings=paintings.examples,
            options=lane.pairs.model_dump_json(),
            seed=config.seed,
        )
        eval_examples = plan.add(pairs, STYLE, "evaluation pairs").outputs["examples"]
        run, baseline = "trainer.style.training.run", "trainer.style.training.baseline"
        # Where it starts from is no part of the key of its checkpoints.
        champion = {"champion": str(warm_start.description(config, lane))}
        start = champion if warm_start.may_start_from_champion(lane) else {}
        train = functools.partial(_train, plan, *graphs)
        judge_and_push(
            plan,
            STYLE,
            candidate=train("train", run, training(config, options, run, folders) | start),
            trivial=train("train baseline", baseline, training(config, images, baseline, folders), part="trivial"),
            eval_examples=eval_examples,
            metrics=evaluator.metric_configs(lane.perceptual),
            data=lanes,
            options=lane,
            config=config,
            world=world,
        )


def _train(
    plan: Blueprint,
    photos: BaseComponent,
    paintings: BaseComponent,
    title: str,
    module: str,
    custom_config: dict,
    part: str | None = None,
) -> BaseComponent:
    trainer = StyleTrainer(
        photos=photos.outputs["transformed_examples"],
        paintings=paintings.outputs["transformed_examples"],
        photos_graph=photos.outputs["transform_graph"],
        paintings_graph=paintings.outputs["transform_graph"],
        run_fn=f"{module}.run_fn",
        custom_config=json.dumps(custom_config),
    )
    return plan.add(trainer, STYLE, title, module, part=part)
