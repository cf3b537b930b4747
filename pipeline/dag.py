"""The pipeline's definition: a pure function of the configuration and of a snapshot of the world.

One function a lane, one that joins them. Nothing here reads a file; what has to be read is in the Snapshot.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow_model_analysis as tfma
from tfx import types
from tfx import v1 as tfx
from tfx.components.distribution_validator.component import DistributionValidator
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.experimental.conditionals import conditional
from tfx.orchestration import metadata

from components.champion.component import Champion
from components.data_gate import comparison
from components.data_gate.component import DataGate
from components.data_gate.options import GateOptions
from components.drift_baseline.component import DriftBaseline
from components.image_folder_example_gen import ledger
from components.image_folder_example_gen.component import ImageFolderExampleGen
from components.image_folder_example_gen.features import statistics_options
from components.promotion_gate.component import PromotionGate
from components.schema_source.component import SchemaSource
from components.serving_pusher.component import ServingPusher
from components.style_pairs.component import StylePairs
from components.style_trainer.component import StyleTrainer
from components.tflite_exporter.component import TFLiteExporter
from pipeline import warm_start
from pipeline.code_digest import digest
from pipeline.config import Config
from pipeline.progress import Node
from pipeline.snapshot import LAYOUTS, Snapshot, base_schema, data_folders, schema_files
from trainer.classifier import evaluation as classifier_evaluation
from trainer.evaluation import eval_config
from trainer.options import Options
from trainer.rules import Rules
from trainer.style import evaluation as style_evaluation

CLASSIFIER, STYLE = "classifier", "style"

LOCAL_BEAM = (
    # Beam's default local runner starts Prism on the current stack, which is slow and flaky.
    "--direct_running_mode=in_memory",
    # Without a flag that says where workers find their dependencies, TFX packs itself into an sdist before each of its
    # dozen Beam jobs, for seconds of work and 20 MB each. The direct runner's workers are threads and read no image.
    "--sdk_container_image=unused-by-the-direct-runner",
)
"""Beam's arguments unless the configuration names another runner."""


@dataclass
class Blueprint:
    """The components in topological order, and how the view names them."""

    components: list[BaseComponent] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def add(
        self, component: BaseComponent, lane: str, title: str, *modules: str, part: str | None = None
    ) -> BaseComponent:
        """Names a component `Class.lane[.part]` and puts the digest of the code that it runs into its cache key.

        Args:
          component: the component, made inside the `Cond`s that it depends on.
          lane: the branch of the tree that it belongs to.
          title: what it does, in two words.
          modules: import paths of user code that the component calls.
          part: tells components of one class in one lane apart.
        """
        component.with_id(".".join(filter(None, (type(component).__name__, lane, part))))
        component.spec.exec_properties["code"] = digest(type(component).__module__, *modules)
        self.components.append(component)
        self.nodes.append(Node(component.id, lane, title))
        return component


@dataclass(frozen=True)
class DataLane:
    """One folder's way from files to a validated schema; any number of model lanes may hang on it."""

    examples: types.BaseChannel
    report: types.BaseChannel
    statistics: types.BaseChannel
    schema: types.BaseChannel
    anomalies: types.BaseChannel
    skew: types.BaseChannel
    previous_baseline: types.BaseChannel
    previous_drift: types.BaseChannel


def data_lane(plan: Blueprint, name: str, folder: str, config: Config, world: Snapshot) -> DataLane:
    """Ingest, statistics, schema and TFX's own validation of one folder. The verdict is each model lane's own."""
    ingest = plan.add(
        ImageFolderExampleGen(
            input_base=folder,
            options=_json(config.ingest),
            fingerprint=world.folders[folder],
            layout=LAYOUTS.get(name, "auto"),
        ),
        name,
        "read images",
    )
    properties = ingest.spec.exec_properties
    latest = world.ledgers.get(name) if config.ingest.keep_splits else None
    properties[ledger.PROPERTY] = ledger.base_for(properties, latest)
    statistics = plan.add(
        tfx.components.StatisticsGen(examples=ingest.outputs["examples"], stats_options=statistics_options()),
        name,
        "statistics",
    )
    schema_file = schema_files(config)[name]
    schema = plan.add(
        SchemaSource(
            statistics=statistics.outputs["statistics"],
            schema_path=schema_file,
            base_schema=str(base_schema(name)),
            key=world.schemas[schema_file],
        ),
        name,
        "schema",
    )
    validator = plan.add(
        tfx.components.ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]),
        name,
        "validate",
    )
    policy = config.data_gate
    skew = plan.add(
        DistributionValidator(
            statistics=statistics.outputs["statistics"],
            baseline_statistics=statistics.outputs["statistics"],
            config=comparison.config(policy.max_label_skew, policy.max_measure_skew),
            include_split_pairs=[("eval", "train")],
        ),
        name,
        "eval against train",
        part="skew",
    )
    baseline, drift = _drift(
        plan, statistics.outputs["statistics"], world.previous[name], policy, name, "previous", "data before"
    )
    return DataLane(
        examples=ingest.outputs["examples"],
        report=ingest.outputs["report"],
        statistics=statistics.outputs["statistics"],
        schema=schema.outputs["schema"],
        anomalies=validator.outputs["anomalies"],
        skew=skew.outputs["anomalies"],
        previous_baseline=baseline,
        previous_drift=drift,
    )


def _drift(
    plan: Blueprint,
    statistics: types.BaseChannel,
    earlier: Sequence[str],
    options: GateOptions,
    lane: str,
    part: str,
    title: str,
) -> tuple[types.BaseChannel, types.BaseChannel]:
    """What the data are compared with, and TFX's comparison of the train splits: without earlier data it approves."""
    baseline = plan.add(DriftBaseline(statistics=statistics, candidates=earlier), lane, title, part=part)
    validator = plan.add(
        DistributionValidator(
            statistics=statistics,
            baseline_statistics=baseline.outputs["baseline"].as_optional(),
            config=comparison.config(options.max_label_drift, options.max_measure_drift),
            include_split_pairs=[("train", "train")],
        ),
        lane,
        f"drift from {title}",
        part=part,
    )
    return baseline.outputs["baseline"], validator.outputs["anomalies"]


def gate(
    plan: Blueprint, data: DataLane, lane: str, part: str, options: GateOptions, needs_classes: bool, world: Snapshot
) -> conditional.Cond:
    """The condition under which a model lane may use a folder."""
    trained_on = world.trained_on[lane, part]
    title = f"champion's {part}"
    baseline, drift = _drift(plan, data.statistics, trained_on, options, lane, f"{part}-champion", title)
    verdict = plan.add(
        DataGate(
            examples=data.examples,
            report=data.report,
            statistics=data.statistics,
            schema=data.schema,
            anomalies=data.anomalies,
            skew=data.skew,
            previous_baseline=data.previous_baseline,
            previous_drift=data.previous_drift,
            champion_baseline=baseline,
            champion_drift=drift,
            options=_json(options),
            needs_classes=int(needs_classes),
        ),
        lane,
        f"gate {part}",
        part=part,
    )
    return _when(verdict.outputs["verdict"], "passed")


def classifier_lane(plan: Blueprint, photos: DataLane, config: Config, world: Snapshot) -> None:
    """Transform, Trainer, and the way to the serving directory, for the classifier."""
    lane = config.classifier
    images = _sections(lane, "image", "backbone")
    options = images | _sections(lane, "train")
    found = world.tuned if lane.tuner.reuse else None
    with gate(plan, photos, CLASSIFIER, "photos", config.data_gate, needs_classes=True, world=world):
        transform = plan.add(
            tfx.components.Transform(
                examples=photos.examples,
                schema=photos.schema,
                preprocessing_fn="trainer.classifier.preprocessing.preprocessing_fn",
                custom_config={"options": images},
                disable_statistics=True,
            ),
            CLASSIFIER,
            "transform",
            "trainer.classifier.preprocessing",
        )

        given: dict = {"tuned": found} if found else {}
        best = None
        if lane.tuner.enabled and not found:
            given["tuner"] = lane.tuner.model_dump(mode="json")
            best = _search(plan, transform, photos, options, config)
        if lane.train.warm_start:
            given["warm_start"] = str(warm_start.description(config))

        def train(
            title: str,
            module: str,
            options: dict,
            part: str | None = None,
            given: Mapping | None = None,
            best: types.BaseChannel | None = None,
        ) -> BaseComponent:
            return plan.add(
                tfx.components.Trainer(
                    run_fn=f"{module}.run_fn",
                    examples=transform.outputs["transformed_examples"],
                    transform_graph=transform.outputs["transform_graph"],
                    schema=photos.schema,
                    hyperparameters=best,
                    train_args=tfx.proto.TrainArgs(splits=["train"]),
                    eval_args=tfx.proto.EvalArgs(splits=["eval"]),
                    custom_config=_training(config, options, module, [world.folders[lane.photos]], given),
                ),
                CLASSIFIER,
                title,
                module,
                part=part,
            )

        _judge_and_push(
            plan,
            CLASSIFIER,
            candidate=train("train", "trainer.classifier.training", options, given=given, best=best),
            trivial=train("train baseline", "trainer.classifier.baseline", images, part="trivial"),
            eval_examples=photos.examples,
            metrics=classifier_evaluation.metric_configs(),
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
        tfx.components.Tuner(
            tuner_fn="trainer.classifier.tuning.tuner_fn",
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            schema=photos.schema,
            train_args=tfx.proto.TrainArgs(splits=["train"]),
            eval_args=tfx.proto.EvalArgs(splits=["eval"]),
            custom_config={
                "options": options,
                "seed": config.seed,
                "tuner": config.classifier.tuner.model_dump(mode="json"),
            },
        ),
        CLASSIFIER,
        "tune",
        "trainer.classifier.tuning",
    )
    return tuner.outputs["best_hyperparameters"]


def style_lane(plan: Blueprint, photos: DataLane, paintings: DataLane, config: Config, world: Snapshot) -> None:
    """Two Transforms, StyleTrainer, evaluation pairs, and the way to the serving directory, for the style network."""
    lane = config.style
    images = _sections(lane, "image")
    options = images | _sections(lane, "perceptual", "encoder", "network", "train")
    folders = [world.folders[lane.photos], world.folders[lane.paintings]]
    photos_pass = gate(plan, photos, STYLE, "photos", config.data_gate, needs_classes=False, world=world)
    # Paintings are evaluated whether or not the network was trained on them; few folders can spare one.
    lenient = config.data_gate.model_copy(update={"empty_eval": "ignore"})
    paintings_pass = gate(plan, paintings, STYLE, "paintings", lenient, needs_classes=False, world=world)
    with photos_pass, paintings_pass:

        def transform(data: DataLane, name: str) -> BaseComponent:
            return plan.add(
                tfx.components.Transform(
                    examples=data.examples,
                    schema=data.schema,
                    preprocessing_fn="trainer.style.preprocessing.preprocessing_fn",
                    custom_config={"options": images},
                    disable_statistics=True,
                ),
                STYLE,
                f"transform {name}",
                "trainer.style.preprocessing",
                part=name,
            )

        photos_tensors, paintings_tensors = transform(photos, "photos"), transform(paintings, "paintings")
        pairs = plan.add(
            StylePairs(
                photos=photos.examples, paintings=paintings.examples, options=_json(lane.pairs), seed=config.seed
            ),
            STYLE,
            "evaluation pairs",
        )

        def train(title: str, module: str, options: dict, part: str | None = None) -> BaseComponent:
            return plan.add(
                StyleTrainer(
                    photos=photos_tensors.outputs["transformed_examples"],
                    paintings=paintings_tensors.outputs["transformed_examples"],
                    photos_graph=photos_tensors.outputs["transform_graph"],
                    paintings_graph=paintings_tensors.outputs["transform_graph"],
                    run_fn=f"{module}.run_fn",
                    custom_config=json.dumps(_training(config, options, module, folders)),
                ),
                STYLE,
                title,
                module,
                part=part,
            )

        _judge_and_push(
            plan,
            STYLE,
            candidate=train("train", "trainer.style.training", options),
            trivial=train("train baseline", "trainer.style.baseline", images, part="trivial"),
            eval_examples=pairs.outputs["examples"],
            metrics=style_evaluation.metric_configs(lane.perceptual),
            data={"photos": photos, "paintings": paintings},
            options=lane,
            config=config,
            world=world,
        )


def build(config: Config, world: Snapshot) -> tuple[tfx.dsl.Pipeline, list[Node]]:
    """The whole pipeline, with the lanes that the configuration has.

    Args:
      config: what the person asked for.
      world: what the run starts from.

    Returns:
      The TFX pipeline and its nodes in topological order, for the view.
    """
    plan = Blueprint()
    lanes = {name: data_lane(plan, name, folder, config, world) for name, folder in data_folders(config).items()}
    if config.classifier:
        classifier_lane(plan, lanes["photos"], config, world)
    if config.style:
        style_lane(plan, lanes.get("style-photos") or lanes["photos"], lanes["paintings"], config, world)
    pipeline = tfx.dsl.Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.workspace / "artifacts"),
        components=plan.components,
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(config.workspace / "metadata.sqlite")
        ),
        beam_pipeline_args=beam_arguments(config.beam_args),
    )
    return pipeline, plan.nodes


def beam_arguments(given: Sequence[str]) -> list[str]:
    """The configuration's `beam_args`, after what the local runner needs when no other runner is named there."""
    local = not any(argument.startswith("--runner") and "Direct" not in argument for argument in given)
    return [*(LOCAL_BEAM if local else ()), *given]


def _judge_and_push(
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
            tfx.components.Evaluator(
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

    with _when(champion.outputs["verdict"], "changed"):
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
                options=_json(options.tflite),
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
                metrics=json.dumps(module.METRICS),
                trivial_name=module.TRIVIAL_NAME,
                required_variants=json.dumps(options.tflite.required),
            ),
            lane,
            "decide",
        )
        with _when(decision.outputs["decision"], "approved"):
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
                    signing_key=config.signing_key or "",
                    lineage=json.dumps({"configuration": config.model_dump(mode="json"), **world.provenance}),
                    nonce=world.nonce,
                ),
                lane,
                "push",
            )


def _when(verdict: types.BaseChannel, name: str) -> conditional.Cond:
    return conditional.Cond(verdict.future()[0].property(name) == 1)


def _sections(lane: Options, *names: str) -> dict:
    """Some sections of a lane, for a `custom_config`: only what a component reads may make it run again."""
    return {name: getattr(lane, name).model_dump(mode="json") for name in names}


def _training(config: Config, options: dict, module: str, folders: list[str], more: Mapping | None = None) -> dict:
    """A trainer's custom_config; its checkpoints lie under a digest of what it depends on, known before it runs."""
    given = {"options": options, "seed": config.seed, **(more or {})}
    facts = json.dumps([given, module, digest(module), folders])
    key = hashlib.sha256(facts.encode()).hexdigest()[:16]
    return {**given, "resume_dir": str(Path(config.workspace) / "resume" / key)}


def _json(options: Options) -> str:
    return options.model_dump_json()
