"""What TFX's DistributionValidator is to compare."""

from tensorflow_metadata.proto.v0 import path_pb2, schema_pb2
from tfx.proto import distribution_validator_pb2

from components.artifacts import features

MEASURES = tuple(name for name, kind in features.WATCHED.items() if kind != "BYTES" and name != features.CHANNELS)
"""The numeric features that are compared: ingest makes all images three channels."""


def config(max_label: float, max_measure: float) -> distribution_validator_pb2.DistributionValidatorConfig:
    """L-infinity for the labels, Jensen-Shannon for the measures, with these thresholds."""
    compared = distribution_validator_pb2.DistributionValidatorConfig()
    for name in (features.LABEL, *MEASURES):
        comparator = schema_pb2.FeatureComparator()
        if name == features.LABEL:
            comparator.infinity_norm.threshold = max_label
        else:
            comparator.jensen_shannon_divergence.threshold = max_measure
        compared.default_slice_config.feature.add(path=path_pb2.Path(step=[name]), distribution_comparator=comparator)
    return compared
