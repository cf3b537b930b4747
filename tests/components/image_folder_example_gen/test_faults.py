"""kill -9 amid ingest, and a full disk: nothing half-written is taken for whole; a re-run gives the same digests."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf

from components.image_folder_example_gen.ingest import steps, transform
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import layouts
from components.image_folder_example_gen.whole_folder import ledger, report
from tests.components.image_folder_example_gen import corpus

IMAGES = 40
INGEST = """
import resource, sys, time
from pathlib import Path
from tests.components.image_folder_example_gen.test_faults import ingest  # first: IPython brings a package `tests`
from components.image_folder_example_gen.writing import examples, shards

photos, full, killed, begun = map(Path, sys.argv[1:])
shards.SHARD_BYTES = 20_000  # several files
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))  # no file may grow larger: writing fails as on a full disk
try:
    ingest(photos, full)
except Exception as error:
    print(type(error).__name__, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

serialize, done = examples.serialize, []
def slow(picture, options):
    done.append(picture)
    if len(done) == 30:
        begun.touch()
        time.sleep(600)
    return serialize(picture, options)
examples.serialize = slow
ingest(photos, killed)
"""


def ingest(photos: Path, output: Path) -> None:
    """As the component does it, up to what TFX does: a run that ends otherwise than by returning is not whole."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    uris = [str(output / name) for name in ("examples", "report", "ledger")]
    for folder in (*uris, steps.unfinished_folder(uris[0]), *(steps.split_folder(uris[0], s) for s in SPLITS)):
        os.makedirs(folder, exist_ok=True)
    options = PipelineOptions(["--runner=DirectRunner", "--direct_running_mode=in_memory"])
    with beam.Pipeline(options=options) as pipeline:
        transform.ingest(pipeline, layouts.folders(photos), IngestOptions(), *uris)
    ledger.write_header(uris[2], {})


SPLITS = ("train", "eval")


def digests(output: Path) -> dict[str, str]:
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*"))
        if path.is_file() and ".unfinished" not in path.parts
    }


def whole_records(output: Path) -> int:
    """How many records the files of the splits hold; an error if one is cut off."""
    files = [str(path) for split in SPLITS for path in (output / "examples" / f"Split-{split}").iterdir()]
    return sum(1 for _ in tf.data.TFRecordDataset(files, "GZIP"))


def test_a_killed_run_and_a_full_disk_leave_nothing_that_looks_whole(tmp_path, monkeypatch):
    photos = tmp_path / "photos"
    for seed in range(IMAGES):
        path = photos / f"class{seed % 2}" / f"{seed}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        corpus.photo(seed=seed).save(path)
    full, killed, begun = tmp_path / "full", tmp_path / "killed", tmp_path / "begun"
    arguments = [sys.executable, "-W", "ignore", "-c", INGEST, *map(str, (photos, full, killed, begun))]
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        arguments, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 300
        while not begun.exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate()
    finally:
        process.kill()
    assert printed.strip().endswith("Error")

    for output in (full, killed):
        assert whole_records(output) < IMAGES
        assert ledger.load(str(output / "ledger")) is None
        with pytest.raises(FileNotFoundError):
            report.read(str(output / "report"))

    monkeypatch.setattr(steps.shards, "SHARD_BYTES", 20_000)
    undisturbed = tmp_path / "undisturbed"
    for output in (undisturbed, full, killed):
        ingest(photos, output)
    assert whole_records(undisturbed) == IMAGES
    assert digests(undisturbed) == digests(full) == digests(killed)
