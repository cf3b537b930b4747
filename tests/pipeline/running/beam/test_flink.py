"""The whole pipeline with Flink beside the pipeline without: the same data, and models from it."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
import yaml
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_bsl.coders import batch_util
from tfx_bsl.tfxio import record_based_tfxio, tf_example_record

from data.draw import draw
from pipeline.configuration.beam import JARS, BeamOptions
from pipeline.history.store import Store
from pipeline.running.beam import reading
from pipeline.running.beam.flink import Session
from tests.e2e.conftest import SETTINGS

JOB_SERVER, WORKER = "FlinkJobServerDriver", "easel-beam-worker"
ready = any(JARS.glob("beam-runners-flink-*.jar")) and shutil.which("java")
pytestmark = [
    pytest.mark.flink,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not ready, reason="no Flink in .flink (`make flink`), or no Java"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Folders, a configuration, and the workspaces `direct` and `flink` after a run each."""
    root = tmp_path_factory.mktemp("flink")
    draw(root, photos_per_class=12, seed=3)
    shutil.copytree(root / "photos", root / "pictures")
    for runner in ("direct", "flink"):
        settings = {**SETTINGS, "workspace": runner, "beam": {"runner": runner}}
        (root / f"{runner}.yaml").write_text(yaml.safe_dump(settings))
        run(root / f"{runner}.yaml")
    assert none_is_left(root)
    return root


def command(config: Path) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", "run", str(config)]


def environment(root: Path, **more: str) -> dict[str, str]:
    """By its folder for temporary files a process is known to be ours."""
    return {**os.environ, "TMPDIR": str(root), **more}


def run(config: Path, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(config), env=environment(config.parent, **more), check=True, capture_output=True, text=True
    )


def processes(root: Path, *names: str) -> list[str]:
    """Command lines of processes of runs in `root`, that have one of the names in them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            said = (folder / "cmdline").read_bytes().decode().replace("\0", " ")
            ours = f"TMPDIR={root}\0".encode() in (folder / "environ").read_bytes()
            if ours and any(name in said for name in names):
                found.append(said)
    return found


def none_is_left(root: Path) -> bool:
    """Whether Flink and its workers have ended; workers take a moment to notice."""
    deadline = time.monotonic() + 60
    while processes(root, JOB_SERVER, WORKER) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not processes(root, JOB_SERVER, WORKER)


def outputs(workspace: Path) -> dict[tuple[str, str], Path]:
    """Folders of what the newest run's components made, by component and output."""
    store = Store(workspace)
    executions = store.run(store.runs()[0].id).executions
    return {
        (each.node, name): Path(artifacts[0].uri)
        for each in executions
        for name, artifacts in each.outputs.items()
        if artifacts
    }


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_ingest_writes_the_same_bytes(root):
    direct, flink = outputs(root / "direct"), outputs(root / "flink")
    made = [key for key in direct if key[0].startswith("ImageFolderExampleGen.")]
    assert len(made) == 9
    for key in made:
        assert digests(direct[key]) == digests(flink[key]) != {}


def test_statistics_are_equal(root):
    direct, flink = outputs(root / "direct"), outputs(root / "flink")
    made = [key for key in direct if key[0].startswith("StatisticsGen.")]
    assert len(made) == 3
    for key in made:
        for path in direct[key].rglob("FeatureStats.pb"):
            assert slices(path) == slices(flink[key] / path.relative_to(direct[key])) != {}


def slices(path: Path) -> dict[str, str]:
    """Statistics by slice: their order in the file is that in which workers were done."""
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes()).datasets
    return {each.name: text_format.MessageToString(each, float_format=".6g") for each in found}


def test_transform_writes_the_same_records(root):
    direct, flink = outputs(root / "direct"), outputs(root / "flink")
    made = [key for key in direct if key[1] == "transformed_examples"]
    assert made
    for key in made:
        for split in ("Split-train", "Split-eval"):
            assert records(direct[key] / split) == records(flink[key] / split) != []


def records(folder: Path) -> list[list[tuple]]:
    """The Examples in some order of their own; neither theirs nor that of features in them is promised by Beam."""
    files = [str(path) for path in folder.glob("*.gz")]
    found = map(tf.train.Example.FromString, tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    return sorted(
        sorted((name, value.SerializeToString()) for name, value in each.features.feature.items()) for each in found
    )


def test_all_workers_read_the_files_of_examples(tmp_path, monkeypatch):
    monkeypatch.setattr(record_based_tfxio, "ReadTfRecord", record_based_tfxio.ReadTfRecord)
    monkeypatch.setattr(batch_util, "_TARGET_BATCH_BYTES_SIZE", batch_util._TARGET_BATCH_BYTES_SIZE)
    options = BeamOptions(runner="flink")
    reading.share(options)
    for shard in range(4):
        with tf.io.TFRecordWriter(str(tmp_path / f"{shard}.gz"), "GZIP") as writer:
            writer.write(b"__import__('os').getpid()")
    source = tf_example_record.TFExampleRecord([f"{tmp_path}/*.gz"], telemetry_descriptors=["test"])
    with Session(options) as session, beam.Pipeline(options=PipelineOptions(session.arguments())) as pipeline:
        # A function that is not ours: the workers do not have the tests.
        pids = pipeline | source.RawRecordBeamSource() | beam.Map(eval)
        pids | beam.Map(str) | beam.io.WriteToText(str(tmp_path / "pids"))
    found = [pid for path in tmp_path.glob("pids*") for pid in path.read_text().split()]
    assert (len(found), len(set(found))) == (4, 2)


def test_both_end_with_two_pushed_models(root):
    assert [sorted(os.listdir(root / each / "serving")) for each in ("direct", "flink")] == [
        sorted(os.listdir(root / "direct" / "serving"))
    ] * 2


def test_a_run_that_finds_all_in_the_cache_needs_no_flink(root):
    java = root / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\nexit 3\n")
    java.chmod(0o755)
    assert "unchanged" in run(root / "flink.yaml", PATH=f"{java.parent}:{os.environ['PATH']}").stdout


def test_sigterm_takes_flink_and_its_workers_along(root):
    shutil.rmtree(root / "flink")
    with subprocess.Popen(command(root / "flink.yaml"), env=environment(root)) as running:
        deadline = time.monotonic() + 300
        while not processes(root, WORKER) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert processes(root, JOB_SERVER, WORKER)
        running.send_signal(signal.SIGTERM)
        assert running.wait(600) == 143
    assert none_is_left(root)
