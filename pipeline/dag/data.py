"""A folder's way from files to validated examples, and the gate before each model lane that uses it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfx import types
from tfx.components import ExampleValidator, StatisticsGen, Transform
from tfx.components.distribution_validator.component import DistributionValidator
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.experimental.conditionals import conditional

from components.artifacts.features import statistics_options
from components.data_gate import comparison
from components.data_gate.component import DataGate
from components.data_gate.options import GateOptions
from components.drift_baseline.component import DriftBaseline
from components.image_folder_example_gen.component import ImageFolderExampleGen
from components.image_folder_example_gen.whole_folder import ledger
from components.schema_source.component import SchemaSource
from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import LAYOUTS, base_schema, schema_files
from pipeline.dag.blueprint import Blueprint, when
from pipeline.planning.snapshot import Snapshot


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
    ingest = _ingest(plan, name, folder, config, world)
    examples = ingest.outputs["examples"]
    generated = plan.add(StatisticsGen(examples=examples, stats_options=statistics_options()), name, "statistics")
    statistics = generated.outputs["statistics"]
    schema_file = schema_files(config)[name]
    source = SchemaSource(
        statistics=statistics,
        schema_path=schema_file,
        base_schema=str(base_schema(name)),
        key=world.schemas[schema_file],
    )
    schema = plan.add(source, name, "schema").outputs["schema"]
    validator = plan.add(ExampleValidator(statistics=statistics, schema=schema), name, "validate")
    policy = config.data_gate
    skew = DistributionValidator(
        statistics=statistics,
        baseline_statistics=statistics,
        config=comparison.config(policy.max_label_skew, policy.max_measure_skew),
        include_split_pairs=[("eval", "train")],
    )
    plan.add(skew, name, "eval against train", part="skew")
    baseline, drift = _drift(plan, statistics, world.previous[name], policy, name, "previous", "data before")
    return DataLane(
        examples=examples,
        report=ingest.outputs["report"],
        statistics=statistics,
        schema=schema,
        anomalies=validator.outputs["anomalies"],
        skew=skew.outputs["anomalies"],
        previous_baseline=baseline,
        previous_drift=drift,
    )


def _ingest(plan: Blueprint, name: str, folder: str, config: Config, world: Snapshot) -> BaseComponent:
    component = ImageFolderExampleGen(
        input_base=folder,
        options=config.ingest.model_dump_json(),
        fingerprint=world.folders[folder],
        layout=LAYOUTS.get(name, "auto"),
    )
    ingest = plan.add(component, name, "read images")
    latest = world.ledgers.get(name) if config.ingest.keep_splits else None
    # After the digest of the code, which says whether it would come to the same as the latest.
    ingest.spec.exec_properties[ledger.PROPERTY] = ledger.base_for(ingest.spec.exec_properties, latest)
    return ingest


def transform(plan: Blueprint, lane: str, data: DataLane, options: dict, part: str | None = None) -> BaseComponent:
    """TFX's Transform of one folder by the preprocessing of a model lane; `options` are what that reads."""
    module = f"trainer.{lane}.input.preprocessing"
    component = Transform(
        examples=data.examples,
        schema=data.schema,
        preprocessing_fn=f"{module}.preprocessing_fn",
        custom_config={"options": options},
        disable_statistics=True,
    )
    return plan.add(component, lane, " ".join(filter(None, ("transform", part))), module, part=part)


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
            options=options.model_dump_json(),
            needs_classes=int(needs_classes),
        ),
        lane,
        f"gate {part}",
        part=part,
    )
    return when(verdict.outputs["verdict"], "passed")
