"""Which files are behind a finding. The Examples are read only for lanes that have findings."""

import dataclasses
import heapq
import os
from collections.abc import Iterable, Iterator, Sequence

import tensorflow as tf

from components.artifacts import features, tfrecords
from components.data_gate.findings import Finding

WORST = 10
"""Files named per finding."""


def name(findings: Sequence[Finding], examples_uri: str, splits: Iterable[str]) -> list[Finding]:
    """The findings with their worst files, relative to the folder, and the number of images behind each."""
    concerned = [each for each in findings if each.suspects]
    worst: list[list[tuple[float, str]]] = [[] for _ in concerned]
    images = [0] * len(concerned)
    for example in _examples(examples_uri, splits) if concerned else ():
        filename = _value(example, features.FILENAME)
        for number, finding in enumerate(concerned):
            badness = finding.suspects.badness(_value(example, finding.suspects.feature))
            if badness > 0:
                images[number] += 1
                worst[number] = heapq.nsmallest(WORST, [*worst[number], (-badness, filename)])
    files = {
        id(finding): {"files": tuple(file for _, file in found), "images": count}
        for finding, found, count in zip(concerned, worst, images, strict=True)
    }
    return [dataclasses.replace(each, **files.get(id(each), {})) for each in findings]


def _value(example: tf.train.Example, name: str) -> str | float:
    feature = example.features.feature[name]
    value = getattr(feature, feature.WhichOneof("kind")).value[0]
    return value.decode() if isinstance(value, bytes) else value


def _examples(uri: str, splits: Iterable[str]) -> Iterator[tf.train.Example]:
    for split in splits:
        yield from tfrecords.examples(os.path.join(uri, f"Split-{split}"))
