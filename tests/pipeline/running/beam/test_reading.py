"""Examples are read as TFX reads them, but file by file by whichever worker is free."""

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from tfx_bsl.coders import batch_util
from tfx_bsl.tfxio import record_based_tfxio, tf_example_record

from pipeline.configuration.beam import BeamOptions
from pipeline.running.beam import reading


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two splits of two files each; what `share` changes is changed back."""
    monkeypatch.setattr(record_based_tfxio, "ReadTfRecord", record_based_tfxio.ReadTfRecord)
    monkeypatch.setattr(batch_util, "_TARGET_BATCH_BYTES_SIZE", batch_util._TARGET_BATCH_BYTES_SIZE)
    for split in ("train", "eval"):
        (tmp_path / split).mkdir()
        for shard in range(2):
            options = tf.io.TFRecordOptions("GZIP", compression_level=0)
            with tf.io.TFRecordWriter(str(tmp_path / split / f"{shard}.gz"), options) as writer:
                writer.write(f"{split} {shard}".encode())
    return tmp_path


@pytest.mark.parametrize(("runner", "dealt"), [("direct", False), ("flink", True)])
def test_every_record_is_read_once_and_files_are_dealt_out_where_there_are_workers(folder, runner, dealt):
    reading.share(BeamOptions(runner=runner))
    source = tf_example_record.TFExampleRecord(
        [f"{folder}/train/*", f"{folder}/eval/*"], telemetry_descriptors=["test"]
    )
    options = PipelineOptions(["--runner=DirectRunner", "--direct_running_mode=in_memory"])
    with beam.Pipeline(options=options) as pipeline:
        records = pipeline | "Examples" >> source.RawRecordBeamSource()
        assert_that(records, equal_to([f"{split} {shard}".encode() for split in ("train", "eval") for shard in (0, 1)]))
    steps = [each.unique_name for each in pipeline.to_runner_api().components.transforms.values()]
    assert any(name.startswith("Examples") and "Reshuffle" in name for name in steps) is dealt
