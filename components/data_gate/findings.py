"""The checks: pure functions from what the lane measured to findings."""

import dataclasses
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from components.artifacts import features
from components.data_gate import shift
from components.data_gate.options import GateOptions
from components.data_gate.suspects import Suspects, outside
from components.image_folder_example_gen.vocabulary.reasons import Reason
from components.image_folder_example_gen.whole_folder.report import Report

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
    "lone_image": "Add images of the class, or take its folder away.",
    "few_images": "Add images of the class, or lower `data_gate.min_images`.",
    "blank_images": _IMAGES,
    "tiny_images": _IMAGES,
    "out_of_bounds": _IMAGES,
    "schema_mismatch": "Mend {schema}, or delete it to have a new one proposed.",
    "empty_eval": "Add images, raise `ingest.eval_fraction`, or put images into the validation folder.",
    "missing_in_eval": "Add images of the class, to the validation folder where there is one.",
    "label_skew": "Balance the train and validation folders, or raise `data_gate.max_label_skew`.",
    "measure_skew": "Take train and validation photos from the same source, or raise `data_gate.max_measure_skew`.",
    "label_drift": "Balance the classes as before, or raise `data_gate.max_label_drift` if the world has changed.",
    "measure_drift": "Look at the files: if a camera, light or cropping is new on purpose, raise "
    "`data_gate.max_measure_drift`.",
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
    suspects: Suspects | None = None
    """What tells the images behind it from the others; None if it is not about single images."""
    files: tuple[str, ...] = ()
    """The worst files, at most ten, relative to the folder."""
    images: int = 0
    """How many images are behind it."""

    def to_json(self) -> dict:
        """The finding in `verdict.json`."""
        return {key: value for key, value in dataclasses.asdict(self).items() if key != "suspects"}


def find(
    report: Report,
    labels: Mapping[str, Mapping[str, int]],
    schema: schema_pb2.Schema,
    anomalies: Mapping[str, anomalies_pb2.Anomalies],
    options: GateOptions,
    needs_classes: bool,
    shifts: Iterable[shift.Shift] = (),
) -> list[Finding]:
    """All findings that are not to be ignored."""
    if not report.examples:
        usable = f"none of {report.seen} files is a usable image"
        return [Finding("no_images", "stop", "", str(report.seen), usable + _why(report))]
    found = [*_rejected(report, options), *_empty_eval(report)]
    if needs_classes:
        found += [*_classes(report, labels, schema, options)]
    # An empty split contradicts every line of the schema; that it is empty has been said.
    checked = {split: each for split, each in anomalies.items() if report.splits.get(split)}
    found += _schema(checked, schema, labels, needs_classes)
    for each in shifts:
        found += [*_measure_shift(each), *(_label_shift(each, options.max_label_drift) if needs_classes else ())]
    policy = [dataclasses.replace(each, action=getattr(options, each.kind)) for each in found]
    return [each for each in policy if each.action != "ignore"]


def verdict(findings: Iterable[Finding], schema_path: str) -> dict:
    """The content of `verdict.json`.

    Returns:
        `passed`, False if a finding stops the lane; the `findings`; and `how_to_fix`, a line per kind, the stopping
        ones first.
    """
    listed = list(findings)
    kinds = dict.fromkeys(each.kind for each in sorted(listed, key=lambda each: each.action != "stop"))
    return {
        "passed": all(each.action != "stop" for each in listed),
        "findings": [each.to_json() for each in listed],
        "how_to_fix": [f"{kind}: {REMEDIES[kind].format(schema=schema_path)}" for kind in kinds],
    }


def _finding(kind: str, feature: str, value: object, message: str, suspects: Suspects | None = None) -> Finding:
    return Finding(kind, "", feature, str(value), message, suspects)


def _of_classes(*names: str) -> Suspects:
    return Suspects(features.LABEL, classes=names)


def _why(report: Report) -> str:
    return f" ({', '.join(f'{code}: {n}' for code, n in sorted(report.reasons.items()))})" if report.reasons else ""


def _rejected(report: Report, options: GateOptions) -> Iterable[Finding]:
    # A near-copy that would straddle the splits is a good file, left out for the sake of the evaluation.
    faulty = report.rejected - report.reasons.get(Reason.NEAR_DUPLICATE.value, 0)
    share = faulty / max(1, report.seen - report.ignored)
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
        message = f"classes {names} differ only in spelling"
        yield _finding("similar_classes", features.LABEL, ", ".join(names), message, _of_classes(*names))
    if len([label for label in train if label]) < 2:
        yield _finding("single_class", features.LABEL, len(train), "a classifier needs images of at least two classes")
    for label in named:
        total = report.classes[label]
        if total == 1:
            lone = f"class {label!r} has one usable image, which cannot be both learned and measured"
            yield _finding("lone_image", features.LABEL, label, lone, _of_classes(label))
        elif total < options.min_images:
            few = f"class {label!r} has {total} usable images, fewer than {options.min_images}"
            yield _finding("few_images", features.LABEL, f"{label}: {total}", few, _of_classes(label))
        if evaluation and label in train and label not in evaluation:
            none = f"no image of class {label!r} is held out for evaluation"
            yield _finding("missing_in_eval", features.LABEL, label, none, _of_classes(label))
    yield from _label_skew(train, evaluation, options.max_label_skew)


def _label_skew(train: Mapping[str, int], evaluation: Mapping[str, int], most: float) -> Iterable[Finding]:
    gap = shift.label_gap(train, evaluation, most)
    if gap:
        shares = f"{gap.one:.0%} of train and {gap.other:.0%} of eval"
        yield _gap("label_skew", gap, shares, most)


def _label_shift(each: shift.Shift, most: float) -> Iterable[Finding]:
    gap = shift.label_gap(each.now.labels, each.then.labels, most) if each.kind == "drift" else None
    if gap:
        shares = f"{gap.one:.0%} of the images, {gap.other:.0%} of {each.against}"
        yield _gap("label_drift", gap, shares, most)


def _gap(kind: str, gap: shift.Gap, shares: str, most: float) -> Finding:
    message = f"class {gap.label!r} is {shares}; its share may differ by {most:.0%}"
    return _finding(kind, features.LABEL, f"{gap.label}: {gap.distance:.3f}", message, _of_classes(gap.label))


def _measure_shift(each: shift.Shift) -> Iterable[Finding]:
    for distance in shift.conspicuous(each):
        now, then = (side.deciles[distance.feature][5] for side in (each.now, each.then))
        message = (
            f"{distance.feature} differs from that of {each.against}: median {now:.3g}, there {then:.3g} "
            f"(Jensen-Shannon divergence {distance.value:.2f}, allowed {distance.allowed:g})"
        )
        # The images that pull the distribution away from what it was.
        suspects = Suspects(distance.feature, high=then) if now >= then else Suspects(distance.feature, low=then)
        yield _finding(f"measure_{each.kind}", distance.feature, f"{distance.value:.3f}", message, suspects)


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


def _schema(
    anomalies: Mapping[str, anomalies_pb2.Anomalies],
    schema: schema_pb2.Schema,
    labels: Mapping[str, Mapping[str, int]],
    needs_classes: bool,
) -> list[Finding]:
    """TFDV's anomalies, one finding per feature and kind, both splits together."""
    values: dict[tuple[str, str], list[str]] = defaultdict(list)
    for split, each in sorted(anomalies.items()):
        for name, info in sorted(each.anomaly_info.items()):
            for reason in info.reason:
                kind = _kind(name, reason.type)
                if kind and (needs_classes or name != features.LABEL):
                    text = reason.description.strip().replace("(upto six significant digits)", "").rstrip(". ")
                    values[kind, name].append(f"{split}: {text}")
    found = []
    for (kind, name), texts in values.items():
        suspects = outside(schema, name)
        if kind == "new_class":
            known = set(known_classes(schema))
            new = sorted({label for of in labels.values() for label in of} - known)
            texts, suspects = [", ".join(new)], _of_classes(*new)
            message = f"not among the classes of the schema: {texts[0]}"
        else:
            message = f"{name}: {'; '.join(texts)}"
        found.append(_finding(kind, name, "; ".join(texts), message, suspects))
    return found


def _kind(feature: str, reason: int) -> str:
    if reason == _Reason.SCHEMA_NEW_COLUMN:  # a person's own schema need not list every measure
        return ""
    if reason == _Reason.ENUM_TYPE_UNEXPECTED_STRING_VALUES and feature == features.LABEL:
        return "new_class"
    if reason in _BOUNDS:
        return _KINDS.get(feature, "out_of_bounds")
    return "schema_mismatch"
