"""Reading ingested Examples without Beam."""

import itertools
from collections.abc import Iterator, Sequence

import tensorflow as tf
from tfx.types import artifact, artifact_utils

from components.artifacts import tfrecords


def splits(examples: Sequence[artifact.Artifact]) -> list[str]:
    """The names of the splits, sorted."""
    return sorted(artifact_utils.decode_split_names(artifact_utils.get_single_instance(examples).split_names))


def of_split(examples: Sequence[artifact.Artifact], split: str) -> Iterator[tf.train.Example]:
    """The records of one split, in the order of its files."""
    [folder] = artifact_utils.get_split_uris(examples, split)
    return tfrecords.examples(folder)


def first(examples: Sequence[artifact.Artifact], split: str, count: int) -> list[tf.train.Example]:
    """The first `count` records of one split."""
    return list(itertools.islice(of_split(examples, split), count))
