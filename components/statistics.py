"""Reading what TFX's StatisticsGen wrote."""

import os

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.image_folder_example_gen import features


def read(artifact_uri: str, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    """The statistics of one split of an ExampleStatistics artifact."""
    found = tfdv.load_stats_binary(os.path.join(artifact_uri, f"Split-{split}", "FeatureStats.pb"))
    return found.datasets[0]


def labels(dataset: statistics_pb2.DatasetFeatureStatistics) -> dict[str, int]:
    """How many examples each class has; a flat folder has one class, whose name is empty."""
    for feature in dataset.features:
        if list(feature.path.step) == [features.LABEL]:
            return {bucket.label: int(bucket.sample_count) for bucket in feature.string_stats.rank_histogram.buckets}
    return {}
