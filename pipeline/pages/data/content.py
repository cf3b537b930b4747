"""Gathers what the page says about one folder from the artifacts of a run."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from components.artifacts import statistics
from components.data_gate import shift
from components.data_gate.comparison import MEASURES
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import spans
from components.image_folder_example_gen.vocabulary.reasons import Reason
from components.image_folder_example_gen.whole_folder import report, splits
from pipeline.history.verdicts import Outputs
from pipeline.pages.data import charts
from pipeline.pages.data.thumbnails import thumbnail

SHOWN_CLASSES = 40
"""Classes in a table or chart; of more, the largest and the smallest are listed."""
SHOWN_FILES, SHOWN_GROUPS = 12, 24
"""Rejected files per reason, and groups of copies: with the gate's ten files a finding, a page of few megabytes."""
TITLES = {
    "image/height": ("Height", "pixels"),
    "image/width": ("Width", "pixels"),
    "image/aspect_ratio": ("Aspect ratio", "width / height"),
    "image/brightness": ("Brightness", "mean luma, 0 to 1"),
    "image/contrast": ("Contrast", "deviation of luma, 0 to 0.5"),
    "image/sharpness": ("Sharpness", "mean Laplacian, 0 to 1"),
    "image/colorfulness": ("Colourfulness", "0 grey, 0.4 vivid"),
    "image/num_bytes": ("File size", "bytes"),
}


@dataclass(frozen=True)
class Tile:
    """One image of a grid; `source` is None when nothing of it can be shown."""

    name: str
    source: str | None
    note: str = ""


@dataclass(frozen=True)
class Measure:
    """One chart with what is beside it; `distances` are Jensen-Shannon divergences by what was compared."""

    title: str
    unit: str
    chart: charts.Chart
    distances: Mapping[str, shift.Distance]


@dataclass(frozen=True)
class ClassRow:
    """One class's images, and its share in per cent of the images now and of the data before (None without any)."""

    label: str
    counts: Mapping[str, int]
    share: float
    before: float | None


@dataclass(frozen=True)
class Issue:
    """A heading, an explanation and the images it is about; `action` is the gate's, or `listed`."""

    action: str
    title: str
    advice: str
    images: int
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Group:
    """Near-copies of one image."""

    conflict: bool
    tiles: tuple[Tile, ...]
    more: int


@dataclass(frozen=True)
class Section:
    """Everything about one folder."""

    name: str
    folder: str
    counts: Mapping[str, int]
    classes: tuple[ClassRow, ...]
    hidden_classes: int
    compared: tuple[str, ...]
    """What the curves are of: the splits, and earlier data."""
    before: str
    """The earlier data that the classes' shares are compared with; empty for none."""
    measures: tuple[Measure, ...]
    issues: tuple[Issue, ...]
    rejected: tuple[Issue, ...]
    groups: tuple[Group, ...]
    hidden_groups: int
    duplicates: tuple[tuple[str, str], ...]
    first_only: str = ""
    """Of how many images only the first page or frame is used, in words."""


def section(
    name: str, folder: str, gates: Mapping[str, str], outputs: Outputs, options: IngestOptions
) -> Section | None:
    """What there is to say about a folder; None when it was not read to its end.

    `gates` are the model lanes that use the folder, and the part that it is to them.
    """
    account = outputs.folder(f"ImageFolderExampleGen.{name}", "report")
    measured = outputs.folder(f"StatisticsGen.{name}", "statistics")
    if not account or not measured:
        return None
    counts = report.read(str(account))
    datasets = {split: statistics.read(str(measured), split) for split in splits.NAMES}
    comparisons = {"eval from train": _comparison(outputs, name, "skew")}
    for title, lane, part in _earlier(name, gates):
        baseline = outputs.folder(f"DriftBaseline.{lane}.{part}", "baseline")
        if baseline:
            datasets[title] = statistics.read(str(baseline), "train")
            comparisons[f"train from {title}"] = _comparison(outputs, lane, part)
    before = next((title for title in datasets if title not in splits.NAMES), "")
    rows, hidden = _classes(counts, statistics.labels(datasets[before]) if before else None)
    shown = _Thumbnails(spans.base(folder), options)
    near = _lines(account / report.NEAR_DUPLICATES)
    return Section(
        name=name,
        folder=folder,
        counts={key: getattr(counts, key) for key in ("seen", "examples", "rejected", "duplicates", "ignored")},
        classes=rows,
        hidden_classes=hidden,
        compared=tuple(title for title, dataset in datasets.items() if dataset.num_examples),
        before=before,
        measures=tuple(_measures(datasets, statistics.by_class(str(measured), "train"), comparisons)),
        issues=tuple(_issues(gates, outputs, shown)),
        rejected=tuple(_rejected(_lines(account / report.REJECTED), shown)),
        groups=tuple(_group(each, shown) for each in near[:SHOWN_GROUPS]),
        hidden_groups=max(0, len(near) - SHOWN_GROUPS),
        duplicates=tuple((each["path"], each["duplicate_of"]) for each in _lines(account / report.DUPLICATES)),
        first_only=counts.first_only_said(),
    )


def _earlier(name: str, gates: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What the data were compared with: a title, and the lane and part of the nodes that did it."""
    yield "the data before", name, "previous"
    for lane, part in gates.items():
        yield f"the serving {lane}'s data", lane, f"{part}-champion"


def _comparison(outputs: Outputs, lane: str, part: str) -> dict[str, shift.Distance]:
    folder = outputs.folder(f"DistributionValidator.{lane}.{part}", "anomalies")
    found = sorted(folder.glob("SplitPair-*/SchemaDiff.pb")) if folder else []
    if not found:
        return {}
    return {each.feature: each for each in shift.distances(anomalies_pb2.Anomalies.FromString(found[0].read_bytes()))}


def _classes(counts: report.Report, before: Mapping[str, int] | None) -> tuple[tuple[ClassRow, ...], int]:
    labels = sorted((label for label in {*counts.classes, *(before or {})} if label), key=lambda each: (
        -counts.classes.get(each, 0), each))  # fmt: skip
    total, total_before = sum(counts.classes.values()) or 1, sum((before or {}).values()) or 1
    rows = tuple(
        ClassRow(
            label,
            {split: counts.splits.get(split, {}).get(label, 0) for split in splits.NAMES},
            100 * counts.classes.get(label, 0) / total,
            100 * before.get(label, 0) / total_before if before is not None else None,
        )
        for label in labels
    )
    if len(rows) <= SHOWN_CLASSES:
        return rows, 0
    half = SHOWN_CLASSES // 2
    return (*rows[:half], *rows[-half:]), len(rows) - SHOWN_CLASSES


def _measures(
    datasets: Mapping[str, statistics_pb2.DatasetFeatureStatistics],
    classes: Mapping[str, statistics_pb2.DatasetFeatureStatistics],
    comparisons: Mapping[str, Mapping[str, shift.Distance]],
) -> Iterator[Measure]:
    named = {label: each for label, each in classes.items() if label}
    for feature in MEASURES:
        chart = charts.chart(feature, datasets, named, SHOWN_CLASSES)
        if chart:
            distances = {title: found[feature] for title, found in comparisons.items() if feature in found}
            yield Measure(*TITLES[feature], chart, distances)


def _issues(gates: Mapping[str, str], outputs: Outputs, shown: "_Thumbnails") -> Iterator[Issue]:
    """The findings of all gates, each once, the stopping ones first."""
    found: dict[tuple[str, str, str], tuple[dict[str, Any], str]] = {}
    for lane, part in gates.items():
        verdict = outputs.document(f"DataGate.{lane}.{part}", "verdict", "verdict.json")
        remedies = dict(line.split(": ", 1) for line in verdict.get("how_to_fix", ()))
        for each in verdict.get("findings", ()):
            found.setdefault((each["action"], each["kind"], each["message"]), (each, remedies[each["kind"]]))
    for (action, kind, message), (each, remedy) in sorted(found.items(), key=lambda item: item[0][0] != "stop"):
        files = () if kind in ("rejected", "no_images") else each["files"]  # those are shown by reason
        yield Issue(action, message, remedy, each["images"], tuple(shown.tile(name) for name in files))


def _rejected(lines: list[dict[str, Any]], shown: "_Thumbnails") -> Iterator[Issue]:
    by_reason = defaultdict(list)
    for line in lines:
        by_reason[line["reason"]].append(line)
    for reason, files in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        tiles = tuple(shown.tile(each["path"], each["detail"]) for each in files[:SHOWN_FILES])
        yield Issue("listed", reason.replace("_", " "), Reason(reason).advice, len(files), tiles)


def _group(line: dict[str, Any], shown: "_Thumbnails") -> Group:
    files = line["files"]
    tiles = tuple(
        shown.tile(each["path"], ", ".join(filter(None, (each["class"], each["split"] or "left out"))))
        for each in files[:SHOWN_FILES]
    )
    return Group(line["conflict"], tiles, len(files) - len(tiles))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


class _Thumbnails:
    """The tiles of one folder; an image that is shown twice is read once."""

    def __init__(self, folder: str, options: IngestOptions):
        self._folder, self._options = folder, options
        self._made: dict[str, str | None] = {}

    def tile(self, name: str, note: str = "") -> Tile:
        if name not in self._made:
            self._made[name] = thumbnail(self._folder, name, self._options)
        return Tile(name, self._made[name], note)
