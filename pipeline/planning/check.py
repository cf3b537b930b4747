"""What `easel check` finds: the configuration's faults, what is in the folders, and what a run would do with it."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_gate import findings
from components.image_folder_example_gen.ingest.scan import scan
from components.image_folder_example_gen.vocabulary.reasons import Reason
from components.image_folder_example_gen.whole_folder.report import Report
from components.schema_source import contract
from pipeline.configuration.config import Config, load
from pipeline.configuration.data_lanes import LAYOUTS, data_folders, schema_files
from pipeline.configuration.file import ConfigError
from pipeline.history.result import BAD_INPUT, OK, STOPPED
from pipeline.planning import disk_space, estimate, evidence, nesting, preflight, weights
from pipeline.planning.snapshot import latest_ledgers
from pipeline.planning.warm_start import style_is_warm
from pipeline.planning.workspace_state import WorkspaceState
from pipeline.progress.wording import number
from trainer.base.errors import UserError

_COUNTS = ("seen", "examples", "rejected", "duplicates", "ignored")
_MOST_CLASSES = 40
_HOPELESS = ("no_images", "single_class")
"""Findings that no run could get past, whatever the policy of `data_gate` says."""


@dataclass(frozen=True)
class CheckReport:
    """The findings; `inputs` and `plan` are empty when the configuration itself is wrong.

    `errors` keep a run from starting, `stops` are what data validation would stop it for, `evidence` is what there are
    too few images for to be shown of a model.
    """

    errors: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    inputs: Mapping[str, Report] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    plan: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether `easel run` could start and would have something to learn from."""
        return not self.errors

    @property
    def exit_code(self) -> int:
        """As of a run that would begin now: 2 when it could not, 3 when data validation would stop it."""
        return BAD_INPUT if self.errors else STOPPED if self.stops else OK

    def to_json(self) -> dict[str, Any]:
        """The contract's document, plus what would stop a run, warnings, sizes and splits of each input, the plan."""
        inputs = {key: dataclasses.asdict(report) for key, report in self.inputs.items()}
        for document in inputs.values():
            document["classes"].pop("", None)  # a flat folder's images have no class
        return {
            "valid": self.valid,
            "errors": self.errors,
            "stops": self.stops,
            "warnings": self.warnings,
            "inputs": inputs,
            "plan": self.plan,
            "evidence": self.evidence,
            "exit_code": self.exit_code,
        }


def check(path: Path, overrides: Sequence[str]) -> CheckReport:
    """Loads the configuration and reads every file of its folders with the ingest component's own code."""
    try:
        config = load(path, overrides)
        preflight.require_known_workspace(config, path)
    except ConfigError as error:
        return CheckReport(errors=error.errors)
    except UserError as error:
        return CheckReport(errors=(str(error),))
    errors: list[str] = []
    stops: dict[str, None] = {}
    warnings: list[str] = []
    scanned: dict[str, Report] = {}
    inputs: dict[str, Report] = {}
    lanes = {folder: lane for lane, folder in data_folders(config).items()}
    ledgers = latest_ledgers(config) if config.ingest.keep_splits else {}
    for key, folder in config.inputs().items():
        lane = lanes[folder]
        try:
            if folder not in scanned:
                ledger = ledgers[lane].uri if lane in ledgers else ""
                scanned[folder] = scan(folder, config.ingest, LAYOUTS.get(lane, "auto"), ledger)
            found = _findings(key, scanned[folder], config, lane)
        except UserError as error:
            errors.append(f"{key}: {error}")
            continue
        inputs[key] = scanned[folder]
        for finding in found:
            if finding.kind in _HOPELESS:
                errors.append(f"{key}: {finding.message} ({folder})")
            elif finding.action == "stop":
                advice = findings.REMEDIES[finding.kind].format(schema=schema_files(config)[lane])
                stops[f"{key}: a run would stop here: {finding.message}. {advice}"] = None
            else:
                warnings.append(f"{key}: {finding.message}")
    errors += weights.missing(config)
    warnings += nesting.warnings(config) if len(inputs) == len(config.inputs()) else []
    errors += disk_space.unwritable(config) or ([] if errors else _room(config))
    return CheckReport(
        errors=tuple(errors),
        stops=tuple(stops),
        warnings=tuple(warnings),
        inputs=inputs,
        folders=config.inputs(),
        plan=() if errors else tuple(_plan(config, inputs)),
        evidence=() if errors else tuple(evidence.foretell(config, inputs)),
    )


def _findings(key: str, report: Report, config: Config, lane: str) -> list[findings.Finding]:
    """What the data gate would say already, before there are statistics; without a schema where none is written yet."""
    path = Path(schema_files(config)[lane])
    schema = contract.parse(path.read_text("utf-8"), path) if path.is_file() else schema_pb2.Schema()
    needs_classes = key == "classifier.photos"
    found = findings.find(report, report.splits, schema, {}, config.data_gate, needs_classes)
    known = findings.known_classes(schema)
    new = [label for label, count in report.classes.items() if count and label not in known]
    if needs_classes and known and new and (action := config.data_gate.new_class) != "ignore":
        # TFDV tells the gate of these, from statistics.
        message = f"not among the classes of the schema: {', '.join(new)}"
        found.append(findings.Finding("new_class", action, "", ", ".join(new), message))
    return found


def _room(config: Config) -> list[str]:
    """Why a run could not write to its end."""
    try:
        preflight.require_room(config, WorkspaceState(config))
    except UserError as error:
        return [str(error)]
    return []


def _plan(config: Config, inputs: Mapping[str, Report]) -> list[str]:
    lines = []
    if lane := config.classifier:
        report = inputs["classifier.photos"]
        classes = sum(1 for count in report.classes.values() if count)
        weights = {"imagenet": "ImageNet weights", "none": "no pretrained weights"}.get(lane.backbone.weights)
        lines.append(
            f"{lane.name}: {lane.backbone.name} with {weights or Path(lane.backbone.weights).name}, "
            f"{classes} classes, {_split(report)}"
        )
    if lane := config.style:
        photos, paintings = inputs["style.photos"], inputs["style.paintings"]
        warm = style_is_warm(config)
        lines.append(
            f"{lane.name}: {number(photos.examples)} photos x {number(paintings.examples)} paintings, "
            f"{number(lane.train.settled(warm=warm).steps)} steps{' from a network that paints' if warm else ''}"
        )
    images = {key: report.examples for key, report in inputs.items()}
    lines.append(f"about {_about(estimate.seconds(config, images, estimate.yardstick()))} on this machine")
    return lines


def _split(report: Report) -> str:
    parts = {split: sum(classes.values()) for split, classes in report.splits.items()}
    return f"{number(parts.get('train', 0))} photos to learn from, {number(parts.get('eval', 0))} to evaluate with"


def _about(seconds: float) -> str:
    """One significant step: minutes up to an hour and a half, then half hours."""
    minutes = seconds / 60
    if minutes < 90:
        step = 1 if minutes < 10 else 5
        rounded = max(1, round(minutes / step) * step)
        return f"{rounded} minute{'' if rounded == 1 else 's'}"
    return f"{round(minutes / 30) / 2:g} hours"


def render(report: CheckReport) -> RenderableType:
    """The report for people: a block for each folder, then the verdict."""
    parts: list[RenderableType] = []
    shown: dict[str, str] = {}
    for key, found in report.inputs.items():
        folder = report.folders[key]
        parts.append(Text.assemble((key, "bold"), "  ", (folder, "dim")))
        if folder in shown:
            parts += [Padding(Text(f"the same folder as {shown[folder]}"), (0, 0, 0, 2)), Text()]
            continue
        shown[folder] = key
        parts += [_counts(found), *_details(found), Text()]
    parts += [Text.assemble(("! ", "yellow"), warning) for warning in (*report.warnings, *report.evidence)]
    parts += [Text.assemble(("■ ", "yellow"), stop) for stop in report.stops]
    parts += [Text.assemble(("✗ ", "red"), error) for error in report.errors]
    if report.exit_code == OK:
        parts.append(Text.assemble(("✓ ", "green"), ("ready to run", "bold")))
        parts += [Padding(Text(line), (0, 0, 0, 2)) for line in report.plan]
    elif report.stops and report.valid:
        parts.append(Text.assemble(("■ ", "yellow"), ("not ready: data validation would stop a run", "bold")))
    return Group(*parts)


def _counts(report: Report) -> RenderableType:
    seen, *rest = (f"{number(getattr(report, name))} {name}" for name in _COUNTS)
    return Padding(Text(f"{seen} = {' + '.join(rest)}"), (0, 0, 0, 2))


def _details(report: Report) -> list[RenderableType]:
    parts: list[RenderableType] = []
    sizes = ", ".join(f"{number(count)} of {size} px" for size, count in report.sizes.items())
    if sizes:
        parts.append(Padding(Text(f"longest side: {sizes}", style="dim"), (0, 0, 0, 2)))
    if any(report.classes):
        parts.append(Padding(_classes(report), (0, 0, 0, 2)))
    if report.reasons:
        grid = Table.grid(padding=(0, 2))
        for code, count in sorted(report.reasons.items(), key=lambda item: -item[1]):
            grid.add_row(Text(number(count), "yellow"), code.replace("_", " "), Text(Reason(code).advice, "dim"))
        parts.append(Padding(grid, (0, 0, 0, 2)))
    if said := report.first_only_said():
        parts.append(Padding(Text(said, "yellow"), (0, 0, 0, 2)))
    return parts


def _classes(report: Report) -> Table:
    splits = sorted(report.splits, key=lambda split: (split != "train", split))
    table = Table("class", *splits, box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    labels = sorted(report.classes)
    for label in labels[:_MOST_CLASSES]:
        counts = [report.splits[split].get(label, 0) for split in splits]
        table.add_row(Text(label, style="" if any(counts) else "yellow"), *(number(count) for count in counts))
    if len(labels) > _MOST_CLASSES:
        table.add_row(Text(f"and {len(labels) - _MOST_CLASSES} more", "dim"))
    return table
