"""Ingest as a Beam pipeline: the same account as a scan, and the same bytes every time."""

import hashlib
import json
from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions

from components.artifacts import features
from components.image_folder_example_gen.ingest import steps, transform
from components.image_folder_example_gen.ingest.scan import scan
from components.image_folder_example_gen.inspection import inspection
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import layouts, listing
from components.image_folder_example_gen.vocabulary.reasons import Reason, Unusable
from components.image_folder_example_gen.whole_folder import report
from components.image_folder_example_gen.writing import examples, shards
from tests.components.image_folder_example_gen import corpus

OPTIONS = IngestOptions()


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder with some of everything."""
    root = tmp_path / "photos"
    for label, seeds in {"cat": range(20), "dog": range(50, 70)}.items():
        (root / label).mkdir(parents=True)
        for seed in seeds:
            corpus.photo(64, 64, seed).save(root / label / f"{seed}.jpg")
    (root / "cat" / "copy.jpg").write_bytes((root / "cat" / "0.jpg").read_bytes())
    (root / "dog" / "conflict.jpg").write_bytes((root / "cat" / "1.jpg").read_bytes())
    (root / "dog" / "broken.png").write_bytes(corpus.variants()["png"][:-200])
    (root / "cat" / "alpha.png").write_bytes(corpus.variants()["png_alpha"])
    (root / "notes.txt").write_text("ignored")
    return root


def ingest(root: Path, output: Path, *beam_args: str, earlier: str = "") -> Path:
    folders = [output / "report", output / "ledger", Path(steps.unfinished_folder(str(output)))]
    for folder in (*folders, output / "Split-train", output / "Split-eval"):
        folder.mkdir(parents=True)
    with beam.Pipeline(options=PipelineOptions(["--runner=DirectRunner", *beam_args])) as pipeline:
        places = (str(output), str(output / "report"), str(output / "ledger"))
        transform.ingest(pipeline, layouts.folders(root), OPTIONS, *places, earlier)
    return output


def digests(output: Path) -> dict[str, str]:
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*"))
        if path.is_file()
    }


def test_the_account_is_that_of_a_scan(photos, tmp_path):
    output = ingest(photos, tmp_path / "out", "--direct_running_mode=in_memory")
    account = report.read(str(output / "report"))
    assert account == scan(photos, OPTIONS)
    assert (account.seen, account.rejected, account.duplicates, account.ignored) == (45, 3, 1, 1)
    lines = [json.loads(line) for line in (output / "report" / report.REJECTED).read_text().splitlines()]
    assert [(line["path"], line["reason"]) for line in lines] == [
        ("cat/1.jpg", "conflict"),
        ("dog/broken.png", "truncated"),
        ("dog/conflict.jpg", "conflict"),
    ]
    assert lines[0]["detail"] == "same bytes as dog/conflict.jpg"
    (copy,) = (json.loads(line) for line in (output / "report" / report.DUPLICATES).read_text().splitlines())
    assert copy == {"path": "cat/copy.jpg", "duplicate_of": "cat/0.jpg"}


def test_the_same_folder_gives_the_same_bytes_on_another_runner(photos, tmp_path):
    first = ingest(photos, tmp_path / "first", "--direct_running_mode=in_memory")
    second = ingest(photos, tmp_path / "second", "--direct_running_mode=multi_threading", "--direct_num_workers=2")
    assert digests(first) == digests(second)


def test_a_split_is_spread_over_files_by_its_size(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_BYTES", 20_000)
    output = ingest(photos, tmp_path / "out", "--direct_running_mode=in_memory")
    files = sorted((output / "Split-train").iterdir())
    assert len(files) > 1
    assert {path.name[-11:] for path in files} == {f"of-{len(files):05d}.gz"}
    records = list(tf.data.TFRecordDataset([str(path) for path in files], "GZIP"))
    assert len(records) == sum(report.read(str(output / "report")).splits["train"].values())


def test_a_file_that_changes_between_two_reads_is_refused(photos):
    folder = next(each for each in layouts.folders(photos) if each.label == "cat")
    source = next(each for each in listing.walk(folder, False) if each.name == "cat/5.jpg")
    picture = inspection.examine(source, OPTIONS)
    (photos / "cat" / "5.jpg").write_bytes((photos / "cat" / "6.jpg").read_bytes())
    with pytest.raises(Unusable) as caught:
        examples.serialize(picture, OPTIONS)
    assert caught.value.reason is Reason.CHANGED


def test_features_in_the_example(photos):
    folder = next(each for each in layouts.folders(photos) if each.label == "cat")
    source = next(each for each in listing.walk(folder, False) if each.name == "cat/5.jpg")
    picture = inspection.examine(source, OPTIONS)
    feature = tf.train.Example.FromString(examples.serialize(picture, OPTIONS)).features.feature
    data = (photos / "cat" / "5.jpg").read_bytes()
    assert feature[features.ENCODED].bytes_list.value[0] == data
    assert feature[features.SHA256].bytes_list.value[0].decode() == hashlib.sha256(data).hexdigest()
    assert feature[features.FORMAT].bytes_list.value[0] == b"jpeg"
    assert feature[features.LABEL].bytes_list.value[0] == b"cat"
    assert feature[features.NUM_BYTES].int64_list.value[0] == len(data)
