"""Comparisons of two sets of images, made by TFDV with the configuration that DistributionValidator gets."""

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx.components.distribution_validator import executor

from components.artifacts import features, statistics
from components.data_gate import comparison, findings, shift
from components.data_gate.options import GateOptions
from components.image_folder_example_gen.whole_folder import report

LABELS = {"cat": 300, "dog": 100}


def images(seed: int, labels=LABELS, bright=0.5, number=None, taller=0) -> statistics_pb2.DatasetFeatureStatisticsList:
    rng = np.random.default_rng(seed)
    names = [label for label, count in labels.items() for _ in range(count)][:number]
    columns = {features.LABEL: names, features.HEIGHT: [640] * taller + [480] * (len(names) - taller)}
    columns[features.BRIGHTNESS] = rng.normal(bright, 0.1, len(names)).clip(0, 1)
    return tfdv.generate_statistics_from_dataframe(pd.DataFrame(columns))


def compare(now, then) -> anomalies_pb2.Anomalies:
    schema = executor._make_schema_from_config(comparison.config(0.2, 0.2), then)
    return tfdv.validate_statistics(now, schema, previous_statistics=then)


def shifted(now, then, kind="drift") -> shift.Shift:
    summaries = [
        shift.Summary(int(each.num_examples), statistics.labels(each), statistics.deciles(each))
        for each in (now.datasets[0], then.datasets[0])
    ]
    return shift.Shift(kind, "the data before", *summaries, compare(now, then))


def find(each: shift.Shift, needs_classes=True) -> list[findings.Finding]:
    labels = {"train": {"cat": 300, "dog": 100}, "eval": {"cat": 75, "dog": 25}}
    counts = {("examples", split, label, "64-127"): n for split, of in labels.items() for label, n in of.items()}
    account = report.build(counts, [])
    return findings.find(account, labels, schema_pb2.Schema(), {}, GateOptions(), needs_classes, [each])


def test_the_same_distribution_is_none():
    assert find(shifted(images(1), images(2))) == []


def test_a_measure_that_moved_names_the_images_that_moved_it():
    (found,) = find(shifted(images(1, bright=0.9), images(2)))
    assert (found.kind, found.action, found.feature) == ("measure_drift", "warn", features.BRIGHTNESS)
    assert "median 0.895, there 0.501" in found.message
    assert found.suspects.badness(0.95) > found.suspects.badness(0.8) > found.suspects.badness(0.3) == 0
    (found,) = find(shifted(images(1, bright=0.2), images(2), kind="skew"))
    assert found.kind == "measure_skew"
    assert found.suspects.badness(0.1) > 0 == found.suspects.badness(0.9)


def test_a_class_that_grew_is_named_and_the_distance_is_tfdvs():
    now, then = images(1, {"cat": 150, "dog": 250}), images(2)
    (found,) = find(shifted(now, then))
    assert (found.kind, found.feature, found.suspects.classes) == ("label_drift", features.LABEL, ("cat",))
    [measured] = [
        each.drift_measurements[0].value
        for each in compare(now, then).drift_skew_info
        if each.path.step[0] == features.LABEL
    ]
    assert found.value == f"cat: {measured:.3f}"
    assert find(shifted(now, then), needs_classes=False) == []


def test_a_class_that_is_new_or_gone_counts():
    assert shift.label_gap({"cat": 100}, {"cat": 50, "dog": 50}, 0.2).distance == 0.5
    assert shift.label_gap({}, {"cat": 50}, 0.2) is None


def test_one_photo_of_another_size_is_no_other_distribution():
    now, then = images(1, taller=1), images(2)
    heights = [each for each in shift.distances(compare(now, then)) if each.feature == features.HEIGHT]
    assert heights[0].value > 0.5, "what TFDV makes of it"
    assert find(shifted(now, then)) == []
    (found,) = find(shifted(images(1, taller=200), then))
    assert found.feature == features.HEIGHT


def test_the_largest_share_is_that_of_kolmogorov_and_smirnov():
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, 2000), rng.normal(0.7, 1.5, 3000)
    deciles = [np.quantile(each, np.linspace(0, 1, 11)).tolist() for each in (one, other)]
    grid = np.linspace(-5, 8, 500)
    exact = max(abs((one <= x).mean() - (other <= x).mean()) for x in grid)
    assert shift.largest_share(*deciles) == pytest.approx(exact, abs=0.03)
    assert shift.largest_share([1] * 11, [1] * 11) == 0
    assert shift.largest_share([1] * 11, [2] * 11) == 1


def test_few_images_differ_by_chance():
    few = [shifted(images(seed, number=8), images(seed + 1, number=32)) for seed in range(8)]
    assert any(distance.value > 0.2 for each in few for distance in shift.distances(each.comparison))
    assert [list(shift.conspicuous(each)) for each in few] == [[]] * 8
