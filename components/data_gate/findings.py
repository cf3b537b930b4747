"""The checks: pure functions from what the lane measured to findings."""

import dataclasses
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from components.data_gate.options import GateOptions
from components.image_folder_example_gen import features
from components.image_folder_example_gen.report import Report

_KINDS = {
    features.BRIGHTNESS: "blank_images",
    features.CONTRAST: "blank_images",
    features.HEIGHT: "tiny_images",
    features.WIDTH: "tiny_images",
}
_Reason = anomalies_pb2.AnomalyInfo
_BOUNDS = {
    _Reason.INT_TYPE_SMALL_INT,
    _Reason.INT_TYPE_BIG_INT,
    _Reason.FLOAT_TYPE_SMALL_FLOAT,
    _Reason.FLOAT_TYPE_BIG_FLOAT,
}
_IMAGES = "Replace or delete the files, or widen the bounds in {schema} if they are as they should be."
REMEDIES = {
    "no_images": "Point the configuration at a folder with images; `rejected.jsonl` says why each file was not used.",
    "new_class": "Move the images into a known class, or add the class to the string domain in {schema}.",
    "missing_class": "Bring the class folder back, or take the class out of the string domain in {schema}.",
    "similar_classes": "Merge the folders under one name.",
    "single_class": "Add a second class folder.",
    "few_images": "Add images of the class, or lower `data_gate.min_images`.",
    "blank_images": _IMAGES,
    "tiny_images": _IMAGES,
    "out_of_bounds": _IMAGES,
    "schema_mismatch": "Mend {schema}, or delete it to have a new one proposed.",
    "empty_eval": "Add images, raise `ingest.eval_fraction`, or put images into the validation folder.",
    "missing_in_eval": "Add images of the class, to the validation folder where there is one.",
    "label_skew": "Balance the train and validation folders, or raise `data_gate.max_label_skew`.",
    "rejected": "Mend or delete the files in `rejected.jsonl`, or raise `data_gate.max_rejected_fraction`.",
}
"""What helps against each kind of finding."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something about the data, and what is to be done about it."""

    kind: str
    """A key of GateOptions, or `no_images`."""
    action: str
    """`stop` or `warn`."""
    feature: str
    """The feature concerned; empty if it is none in particular."""
    value: str
    """What was found: a class, a share, TFDV's description of the values."""
    message: str
    """One sentence for the person."""
    files: tuple[str, ...] = ()
    """The worst files, at most ten, relative to the folder."""


def find(
    report: Report,
    labels: Mapping[str, Mapping[str, int]],
    schema: schema_pb2.Schema,
    anomalies: Mapping[str, anomalies_pb2.Anomalies],
    options: GateOptions,
    needs_classes: bool,
) -> list[Finding]:
    """All findings that are not to be ignored.

    Args:
      report: ingest's account of the files.
      labels: examples per split and class.
      schema: what the lane's data must keep to.
      anomalies: TFDV's, per split.
      options: what to do about each kind.
      needs_classes: whether the lane trains on the classes.
    """
    if not report.examples:
        usable = f"none of {report.seen} files is a usable image"
        return [Finding("no_images", "stop", "", str(report.seen), usable + _why(report))]
    found = [*_rejected(report, options), *_empty_eval(report)]
    if needs_classes:
        found += [*_classes(report, labels, schema, options)]
    # An empty split contradicts every line of the schema; that it is empty has been said.
    checked = {split: each for split, each in anomalies.items() if report.splits.get(split)}
    found += _schema(checked, needs_classes)
    policy = [dataclasses.replace(each, action=getattr(options, each.kind)) for each in found]
    return [each for each in policy if each.action != "ignore"]


def verdict(findings: Iterable[Finding], schema_path: str) -> dict:
    """The content of `verdict.json`.

    Returns:
      `passed`, False if a finding stops the lane; the `findings`; and `how_to_fix`, a line per kind, the stopping ones
      first.
    """
    listed = list(findings)
    kinds = dict.fromkeys(each.kind for each in sorted(listed, key=lambda each: each.action != "stop"))
    return {
        "passed": all(each.action != "stop" for each in listed),
        "findings": [dataclasses.asdict(each) for each in listed],
        "how_to_fix": [f"{kind}: {REMEDIES[kind].format(schema=schema_path)}" for kind in kinds],
    }


def _finding(kind: str, feature: str, value: object, message: str) -> Finding:
    return Finding(kind, "", feature, str(value), message)


def _why(report: Report) -> str:
    return f" ({', '.join(f'{code}: {n}' for code, n in sorted(report.reasons.items()))})" if report.reasons else ""


def _rejected(report: Report, options: GateOptions) -> Iterable[Finding]:
    share = report.rejected / max(1, report.seen - report.ignored)
    if share > options.max_rejected_fraction:
        message = f"{report.rejected} of {report.seen} files were rejected{_why(report)}"
        yield _finding("rejected", "", f"{share:.3f}", message)


def _empty_eval(report: Report) -> Iterable[Finding]:
    if not report.splits.get("eval"):
        yield _finding("empty_eval", "", 0, f"none of the {report.examples} images is held out for evaluation")


def _classes(
    report: Report, labels: Mapping[str, Mapping[str, int]], schema: schema_pb2.Schema, options: GateOptions
) -> Iterable[Finding]:
    train, evaluation = labels.get("train", {}), labels.get("eval", {})
    named = sorted(label for label in report.classes if label)
    for label in sorted(set(known_classes(schema)) - set(train)):
        yield _finding(
            "missing_class", features.LABEL, label, f"class {label!r} of the schema has no image to train on"
        )
    for names in _similar(named):
        yield _finding("similar_classes", features.LABEL, ", ".join(names), f"classes {names} differ only in spelling")
    if len([label for label in train if label]) < 2:
        yield _finding("single_class", features.LABEL, len(train), "a classifier needs images of at least two classes")
    for label in named:
        total = report.classes[label]
        if total < options.min_images:
            few = f"class {label!r} has {total} usable images, fewer than {options.min_images}"
            yield _finding("few_images", features.LABEL, f"{label}: {total}", few)
        if evaluation and label in train and label not in evaluation:
            none = f"no image of class {label!r} is held out for evaluation"
            yield _finding("missing_in_eval", features.LABEL, label, none)
    yield from _label_skew(train, evaluation, options.max_label_skew)


def _label_skew(train: Mapping[str, int], evaluation: Mapping[str, int], most: float) -> Iterable[Finding]:
    if not train or not evaluation:
        return
    sums = sum(train.values()), sum(evaluation.values())
    gaps = {
        each: abs(train.get(each, 0) / sums[0] - evaluation.get(each, 0) / sums[1]) for each in {*train, *evaluation}
    }
    worst = max(sorted(gaps), key=gaps.__getitem__)
    if gaps[worst] > most:
        message = (
            f"class {worst!r} has another share of train than of eval (difference {gaps[worst]:.2f}, allowed {most})"
        )
        yield _finding("label_skew", features.LABEL, f"{worst}: {gaps[worst]:.3f}", message)


def _similar(names: Iterable[str]) -> list[list[str]]:
    groups = defaultdict(list)
    for name in names:
        groups["".join(unicodedata.normalize("NFKC", name).casefold().split())].append(name)
    return [group for group in groups.values() if len(group) > 1]


def known_classes(schema: schema_pb2.Schema) -> list[str]:
    """The classes that the schema lists; none if it leaves them open."""
    domains = {domain.name: domain.value for domain in schema.string_domain}
    for feature in schema.feature:
        if feature.name == features.LABEL:
            return list(feature.string_domain.value or domains.get(feature.domain, []))
    return []


def _schema(anomalies: Mapping[str, anomalies_pb2.Anomalies], needs_classes: bool) -> list[Finding]:
    """TFDV's anomalies, one finding per feature and kind, both splits together."""
    values: dict[tuple[str, str], list[str]] = defaultdict(list)
    for split, each in sorted(anomalies.items()):
        for name, info in sorted(each.anomaly_info.items()):
            for reason in info.reason:
                kind = _kind(name, reason.type)
                if kind and (needs_classes or name != features.LABEL):
                    values[kind, name].append(f"{split}: {reason.description.strip()}")
    return [
        _finding(kind, name, "; ".join(texts), f"{name}: {'; '.join(texts)}") for (kind, name), texts in values.items()
    ]


def _kind(feature: str, reason: int) -> str:
    if reason == _Reason.SCHEMA_NEW_COLUMN:  # a person's own schema need not list every measure
        return ""
    if reason == _Reason.ENUM_TYPE_UNEXPECTED_STRING_VALUES and feature == features.LABEL:
        return "new_class"
    if reason in _BOUNDS:
        return _KINDS.get(feature, "out_of_bounds")
    return "schema_mismatch"
