"""The pictures, sent through the classifier's Transform graph once."""

import functools
import types

import pytest
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils

from tests.trainer.classifier.pictures import OPTIONS, example, rows
from trainer.classifier.input.preprocessing import preprocessing_fn


@pytest.fixture(scope="session")
def held_back() -> list[dict[str, bytes]]:
    """Raw examples that nothing is trained on."""
    return rows(30, seed=2)


@pytest.fixture(scope="session")
def transformed(tmp_path_factory) -> types.SimpleNamespace:
    """`graph` (a folder), `files` (a glob of gzip TFRecords) and `rows`, what they were made of."""
    folder = tmp_path_factory.mktemp("transformed")
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in ("image/encoded", "image/class/text")}
    raw = rows(90, seed=1)
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    with tft_beam.Context(temp_dir=str(folder / "tmp")):
        (data, _), graph = (raw, metadata) | tft_beam.AnalyzeAndTransformDataset(
            functools.partial(preprocessing_fn, custom_config={"options": OPTIONS})
        )
        graph | tft_beam.WriteTransformFn(str(folder / "graph"))
    metadata_io.write_metadata(metadata, str(folder / "graph" / "metadata"))
    with tf.io.TFRecordWriter(str(folder / "train-0.gz"), "GZIP") as writer:
        for row in data:
            writer.write(example(image=row["image"], label=int(row["label"])))
    return types.SimpleNamespace(graph=str(folder / "graph"), files=str(folder / "train-*.gz"), rows=raw)
