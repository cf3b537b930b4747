"""What DataGate finds, against anomalies that TFDV itself makes of statistics."""

import dataclasses
from importlib import resources

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.artifacts import features
from components.data_gate import findings
from components.data_gate.options import GateOptions
from components.image_folder_example_gen.whole_folder import report
from components.schema_source import contract

CURATED = (resources.files("data") / "schemas" / "photos.pbtxt").read_text()
OPTIONS = GateOptions(min_images=5)
LABELS = {"train": {"cat": 8, "dog": 8}, "eval": {"cat": 2, "dog": 2}}
GOOD = {
    features.HEIGHT: 64,
    features.WIDTH: 64,
    features.CHANNELS: 3,
    features.NUM_BYTES: 4000,
    features.ASPECT_RATIO: 1.0,
    features.BRIGHTNESS: 0.5,
    features.CONTRAST: 0.2,
    features.SHARPNESS: 0.01,
    features.COLORFULNESS: 0.3,
}


def schema(*classes: str) -> schema_pb2.Schema:
    return text_format.Parse(contract.propose(CURATED, classes or ["cat", "dog"], "n"), schema_pb2.Schema())


def account(labels=LABELS, rejected=0, **reasons) -> report.Report:
    counts = {("examples", split, label, "64-127"): n for split, of in labels.items() for label, n in of.items()}
    counts.update({("rejected", reason): n for reason, n in reasons.items()})
    return report.build(counts, [])


def anomalies(labels: dict[str, int], **overrides):
    """TFDV's judgement of a split in which every image measures like GOOD, but one that has the overrides."""
    number = sum(labels.values())
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=number)
    values = {**GOOD, **{f"image/{name}": value for name, value in overrides.items()}}
    for name, kind in features.WATCHED.items():
        feature = dataset.features.add(
            type=statistics_pb2.FeatureNameStatistics.Type.Value(kind.replace("BYTES", "STRING"))
        )
        feature.path.step.append(name)
        common = feature.string_stats.common_stats if kind == "BYTES" else feature.num_stats.common_stats
        common.num_non_missing = number
        common.min_num_values = common.max_num_values = common.avg_num_values = 1
        common.tot_num_values = number
        if name in values:
            feature.num_stats.min, feature.num_stats.max = min(values[name], GOOD[name]), max(values[name], GOOD[name])
        else:
            for label, count in (labels if name == features.LABEL else {"jpeg": number}).items():
                feature.string_stats.rank_histogram.buckets.add(label=label, sample_count=count)
    return tfdv.validate_statistics(statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset]), schema())


def find(labels=LABELS, account_of=None, options=OPTIONS, needs_classes=True, the_schema=None, **overrides):
    judged = {split: anomalies(of, **overrides) for split, of in labels.items() if of}
    return findings.find(account_of or account(labels), labels, the_schema or schema(), judged, options, needs_classes)


def kinds(found) -> dict[str, str]:
    return {each.kind: each.action for each in found}


def test_good_data_passes():
    assert find() == []
    assert findings.verdict([], "s") == {"passed": True, "findings": [], "how_to_fix": []}


@pytest.mark.parametrize(
    ("feature", "value", "kind"),
    [
        ("brightness", 0.0, "blank_images"),
        ("brightness", 1.0, "blank_images"),
        ("contrast", 0.001, "blank_images"),
        ("height", 20, "tiny_images"),
        ("aspect_ratio", 9.0, "out_of_bounds"),
        ("sharpness", 0.0, "out_of_bounds"),
        ("channels", 1, "out_of_bounds"),
    ],
)
def test_a_measure_out_of_bounds_is_named(feature, value, kind):
    (found,) = find(**{feature: value})
    assert (found.kind, found.action, found.feature) == (kind, getattr(OPTIONS, kind), f"image/{feature}")
    assert "train" in found.message
    assert "eval" in found.message


def test_a_new_class_stops():
    labels = {"train": {"cat": 8, "dog": 8, "owl": 8}, "eval": {"cat": 2, "dog": 2, "owl": 2}}
    (found,) = find(labels)
    assert (found.kind, found.action, found.feature) == ("new_class", "stop", features.LABEL)
    assert "owl" in found.value


def test_classes_do_not_matter_to_a_lane_that_does_not_need_them():
    assert find({"train": {"": 8}, "eval": {"": 2}}, needs_classes=False) == []


def test_a_missing_class_stops():
    assert kinds(find(the_schema=schema("cat", "dog", "owl"))) == {"missing_class": "stop"}


def test_one_class_is_nothing_to_learn():
    labels = {"train": {"cat": 8}, "eval": {"cat": 2}}
    assert kinds(find(labels, the_schema=schema("cat"))) == {"single_class": "stop"}


@pytest.mark.parametrize("names", [("Cat", "cat"), ("caf\u00e9", "cafe\u0301"), ("sea gull", "seagull")])
def test_classes_that_differ_only_in_spelling_stop(names):
    labels = {split: dict.fromkeys(names, 8) for split in ("train", "eval")}
    assert "similar_classes" in kinds(findings.find(account(labels), labels, schema(*names), {}, OPTIONS, True))


def test_small_classes_warn():
    labels = {"train": {"cat": 8, "dog": 3}, "eval": {"cat": 2}}
    found = find(labels)
    # That none of three images is among two for evaluation is chance, no skew.
    assert kinds(found) == {"few_images": "warn", "missing_in_eval": "warn"}
    assert {each.suspects.classes for each in found} == {("dog",)}


@pytest.mark.parametrize("labels", [{"train": {"dog": 1}}, {"eval": {"dog": 1}}])
def test_a_class_with_one_photo_stops(labels):
    # In eval it is a class that nothing was learned of, in train one that nothing is known of.
    labels = {split: {"cat": 8, **labels.get(split, {})} for split in ("train", "eval")}
    (found,) = [each for each in find(labels) if each.kind == "lone_image"]
    assert (found.action, found.value, found.suspects.classes) == ("stop", "dog", ("dog",))
    assert "'dog' has one usable image" in found.message


def test_an_empty_eval_split_is_said_once():
    labels = {"train": {"cat": 8, "dog": 8}, "eval": {}}
    empty = tfdv.validate_statistics(
        statistics_pb2.DatasetFeatureStatisticsList(datasets=[statistics_pb2.DatasetFeatureStatistics()]), schema()
    )
    found = findings.find(account(labels), labels, schema(), {"eval": empty}, OPTIONS, True)
    assert kinds(found) == {"empty_eval": "stop"}


def test_nothing_usable_is_the_only_finding():
    (found,) = findings.find(account({}, corrupt=3, truncated=1), {}, schema(), {}, OPTIONS, True)
    assert (found.kind, found.action) == ("no_images", "stop")
    assert "corrupt: 3" in found.message


def test_too_many_rejected_files_stop():
    assert find(account_of=account(corrupt=5)) == []
    (found,) = find(account_of=account(corrupt=6))
    assert (found.kind, found.value) == ("rejected", f"{6 / 26:.3f}")


def test_near_copies_that_are_left_out_are_no_bad_files():
    assert find(account_of=account(corrupt=5, near_duplicate=15)) == []
    (found,) = find(account_of=account(corrupt=6, near_duplicate=1))
    assert (found.kind, found.value) == ("rejected", f"{6 / 27:.3f}")


def test_the_policy_decides():
    lenient = GateOptions(min_images=5, blank_images="warn")
    silent = GateOptions(min_images=5, blank_images="ignore")
    assert kinds(find(options=lenient, brightness=0.0)) == {"blank_images": "warn"}
    assert find(options=silent, brightness=0.0) == []


def test_the_verdict_says_what_would_help():
    warning = dataclasses.replace(find(height=20)[0], action="warn")
    stopping = find(brightness=0.0)[0]
    assert findings.verdict([warning], "s")["passed"]
    answer = findings.verdict([warning, stopping], "/schemas/mine.pbtxt")
    assert not answer["passed"]
    assert [line.split(":")[0] for line in answer["how_to_fix"]] == ["blank_images", "tiny_images"]
    assert all("/schemas/mine.pbtxt" in line for line in answer["how_to_fix"])


def test_every_kind_has_an_action_and_a_remedy():
    actions = {name for name, field in GateOptions.model_fields.items() if not name.startswith(("min_", "max_"))}
    assert actions | {"no_images"} == set(findings.REMEDIES)
