"""Which files are behind a finding. The Examples are read only for lanes that have findings."""

import heapq
import os
from collections.abc import Iterable, Iterator, Mapping

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_gate.findings import Finding, known_classes
from components.image_folder_example_gen import features

WORST = 10
"""Files named per finding."""


def find(
    findings: Iterable[Finding], schema: schema_pb2.Schema, examples_uri: str, splits: Iterable[str]
) -> Mapping[str, tuple[str, ...]]:
    """The worst files per feature: furthest outside the schema's bounds, or of classes that the schema does not list.

    Returns:
      File names relative to the folder, worst first, at most `WORST` per feature; features of findings that are not
      about single images are absent.
    """
    kinds = {"new_class", "blank_images", "tiny_images", "out_of_bounds"}
    scores = {each.feature: _score(each.feature, schema) for each in findings if each.kind in kinds}
    if not scores:
        return {}
    worst: dict[str, list[tuple[float, str]]] = {name: [] for name in scores}
    for example in _examples(examples_uri, splits):
        filename = _value(example, features.FILENAME).decode()
        for name, score in scores.items():
            badness = score(_value(example, name))
            if badness > 0:
                worst[name].append((-badness, filename))
                worst[name] = heapq.nsmallest(WORST, worst[name])
    return {name: tuple(filename for _, filename in files) for name, files in worst.items()}


def _score(name: str, schema: schema_pb2.Schema):
    """How far a value of the feature is from what the schema allows; 0 within."""
    if name == features.LABEL:
        known = {label.encode() for label in known_classes(schema)}
        return lambda value: float(value not in known)
    feature = next(each for each in schema.feature if each.name == name)
    domain = feature.float_domain if feature.HasField("float_domain") else feature.int_domain
    low = domain.min if domain.HasField("min") else float("-inf")
    high = domain.max if domain.HasField("max") else float("inf")
    return lambda value: max(low - value, value - high, 0)


def _value(example: tf.train.Example, name: str):
    feature = example.features.feature[name]
    return getattr(feature, feature.WhichOneof("kind")).value[0]


def _examples(uri: str, splits: Iterable[str]) -> Iterator[tf.train.Example]:
    for split in splits:
        files = tf.io.gfile.glob(os.path.join(uri, f"Split-{split}", "*"))
        for record in tf.data.TFRecordDataset(sorted(files), "GZIP").as_numpy_iterator():
            yield tf.train.Example.FromString(record)
