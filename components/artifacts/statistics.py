"""Reading what TFX's StatisticsGen wrote."""

import os
from collections.abc import Sequence

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.artifacts import features

FILE = os.path.join("Split-{}", "FeatureStats.pb")
"""Where StatisticsGen puts a split's statistics inside its artifact."""
_SLICE = f"{features.LABEL}_"
"""TFDV names a slice by its feature and value."""


def read(artifact_uri: str, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    """The statistics over all images of one split of an ExampleStatistics artifact."""
    return _load(artifact_uri, split)[tfdv.constants.DEFAULT_SLICE_KEY]


def by_class(artifact_uri: str, split: str) -> dict[str, statistics_pb2.DatasetFeatureStatistics]:
    """The statistics of each class in one split."""
    slices = _load(artifact_uri, split)
    return {name.removeprefix(_SLICE): each for name, each in sorted(slices.items()) if name.startswith(_SLICE)}


def feature(dataset: statistics_pb2.DatasetFeatureStatistics, name: str) -> statistics_pb2.FeatureNameStatistics | None:
    """One feature's statistics; None where no image has it."""
    return next((each for each in dataset.features if list(each.path.step) == [name]), None)


def labels(dataset: statistics_pb2.DatasetFeatureStatistics) -> dict[str, int]:
    """How many examples each class has; a flat folder has one class, whose name is empty."""
    found = feature(dataset, features.LABEL)
    buckets = found.string_stats.rank_histogram.buckets if found else ()
    return {bucket.label: int(bucket.sample_count) for bucket in buckets}


def deciles(dataset: statistics_pb2.DatasetFeatureStatistics) -> dict[str, tuple[float, ...]]:
    """Each numeric feature's minimum, the nine deciles, and the maximum."""
    found = {}
    for each in dataset.features:
        buckets = histogram(each, statistics_pb2.Histogram.QUANTILES)
        if buckets:
            found[each.path.step[0]] = (buckets[0].low_value, *(bucket.high_value for bucket in buckets))
    return found


def histogram(
    of: statistics_pb2.FeatureNameStatistics, kind: statistics_pb2.Histogram.HistogramType
) -> Sequence[statistics_pb2.Histogram.Bucket]:
    """The buckets of a numeric feature's histogram of one kind; none for other features."""
    return next((each.buckets for each in of.num_stats.histograms if each.type == kind), ())


def _load(artifact_uri: str, split: str) -> dict[str, statistics_pb2.DatasetFeatureStatistics]:
    found = tfdv.load_stats_binary(os.path.join(artifact_uri, FILE.format(split)))
    return {each.name or tfdv.constants.DEFAULT_SLICE_KEY: each for each in found.datasets}
