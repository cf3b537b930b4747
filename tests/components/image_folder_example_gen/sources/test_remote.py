"""Folders on a file system of Beam's, here one in memory: layouts, accounting, reading, and the whole of ingest."""

import io

import apache_beam as beam
import pytest
from apache_beam.io import filesystem
from apache_beam.options.pipeline_options import PipelineOptions
from google.api_core.exceptions import Forbidden, NotFound

from components.image_folder_example_gen.ingest import transform
from components.image_folder_example_gen.ingest.scan import scan
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import fingerprint, layouts, listing, storage
from components.image_folder_example_gen.vocabulary.files import Ignored, Refusal, Source
from components.image_folder_example_gen.vocabulary.reasons import Reason, Unusable
from components.image_folder_example_gen.whole_folder import report
from tests.components.image_folder_example_gen import corpus
from trainer.base.errors import UserError

FILES: dict[str, bytes] = {}


class MemoryFileSystem(filesystem.FileSystem):
    """`memory://`, an object store: names with slashes, no folders."""

    @classmethod
    def scheme(cls):
        return "memory"

    def has_dirs(self):
        return False

    def _list(self, dir_or_prefix):
        for path, data in FILES.items():
            if path.startswith(dir_or_prefix):
                yield filesystem.FileMetadata(path, len(data), 1.5)

    def open(self, path, mime_type="application/octet-stream", compression_type="auto"):
        if path not in FILES:
            raise FileNotFoundError(path)
        return io.BytesIO(FILES[path])

    def _not_needed(self, *_):
        raise NotImplementedError

    join = split = mkdirs = create = copy = rename = exists = size = last_updated = _not_needed
    checksum = metadata = delete = _not_needed


@pytest.fixture
def files() -> dict[str, bytes]:
    FILES.clear()
    return FILES


def image(seed: int) -> bytes:
    return corpus.save(corpus.photo(seed=seed), "JPEG")


def listed(root: str, **how) -> dict:
    entries = [each for folder in layouts.folders(root, **how) for each in listing.walk(folder, False)]
    assert len({each.name for each in entries}) == len(entries)
    return {each.name: each for each in entries}


def test_layouts(files):
    names = ["cat/1.jpg", "cat/deep/2.jpg", "dog/3.jpg", "loose.jpg", "cat/.hidden/4.jpg", ".git/5", "cat/notes.txt"]
    files |= dict.fromkeys((f"memory://bucket/classes/{name}" for name in names), b"x")
    found = listed("memory://bucket/classes/")
    assert {name: each.label for name, each in found.items() if isinstance(each, Source)} == {
        "cat/1.jpg": "cat",
        "cat/deep/2.jpg": "cat",
        "dog/3.jpg": "dog",
    }
    assert {name for name, each in found.items() if isinstance(each, Ignored)} == set(names[4:])
    assert isinstance(found["loose.jpg"], Refusal)
    assert set(found) == set(names)
    assert {
        each.label for each in listed("memory://bucket/classes", layout="flat").values() if type(each) is Source
    } == {""}

    files |= dict.fromkeys((f"memory://bucket/splits/{name}" for name in ("train/cat/1.jpg", "test/cat/2.jpg")), b"x")
    assert sorted(each.split for each in listed("memory://bucket/splits").values()) == ["eval", "train"]


def test_a_label_file_counts_there_too(files):
    names = ["a/1.jpg", "b/2.jpg"]
    files |= dict.fromkeys((f"memory://bucket/photos/{name}" for name in names), b"x")
    files["memory://bucket/photos/labels.csv"] = b"path;label\na/1.jpg;dog\nb/2.jpg;cat\n"
    assert {name: each.label for name, each in listed("memory://bucket/photos").items() if type(each) is Source} == {
        "a/1.jpg": "dog",
        "b/2.jpg": "cat",
    }
    files["memory://bucket/photos/labels.csv"] = b"camera,date\n"
    with pytest.raises(UserError, match=r"labels\.csv: has the columns camera, date"):
        layouts.folders("memory://bucket/photos")


def test_nothing_of_a_path_is_a_pattern(files):
    names = ["photos [2024]/cat/1.jpg", "photos 2/cat/2.jpg", "photos/cat/3.jpg", "what?/cat/*.jpg", "whats/cat/4.jpg"]
    files |= dict.fromkeys((f"memory://bucket/{name}" for name in names), b"x")
    assert list(listed("memory://bucket/photos [2024]")) == ["cat/1.jpg"]
    assert list(listed("memory://bucket/what?")) == ["cat/*.jpg"]


def test_reading(files):
    files["memory://bucket/1.jpg"] = b"content"
    assert storage.read(b"memory://bucket/1.jpg", 7) == b"content"
    for path, reason in ((b"memory://bucket/1.jpg", Reason.TOO_LARGE), (b"memory://bucket/2.jpg", Reason.VANISHED)):
        with pytest.raises(Unusable) as caught:
            storage.read(path, 6)
        assert caught.value.reason is reason


@pytest.mark.parametrize(("error", "reason"), [(NotFound, Reason.VANISHED), (Forbidden, Reason.UNREADABLE)])
def test_what_the_client_of_google_raises_is_a_reason(files, monkeypatch, error, reason):
    def refuse(*_, **__):
        raise error("says the store")

    monkeypatch.setattr(MemoryFileSystem, "open", refuse)
    with pytest.raises(Unusable) as caught:
        storage.read(b"memory://bucket/1.jpg", 6)
    assert caught.value.reason is reason


def test_a_scheme_that_nobody_reads_is_told():
    with pytest.raises(UserError, match="nothing://bucket"):
        layouts.folders("nothing://bucket/photos")


def test_ingest_gives_the_account_of_a_scan(files, tmp_path):
    files |= {f"memory://bucket/photos/class{seed % 2}/{seed}.jpg": image(seed) for seed in range(20)}
    files["memory://bucket/photos/class0/copy.jpg"] = image(0)
    files["memory://bucket/photos/class1/page.jpg"] = b"<html>"
    root, options = "memory://bucket/photos", IngestOptions()
    before = fingerprint.fingerprint(root, options)
    uris = [str(tmp_path / name) for name in ("examples", "report", "ledger")]
    for name in ("examples/Split-train", "examples/Split-eval", "examples/.unfinished", "report", "ledger"):
        (tmp_path / name).mkdir(parents=True)
    with beam.Pipeline(
        options=PipelineOptions(["--runner=DirectRunner", "--direct_running_mode=in_memory"])
    ) as pipeline:
        transform.ingest(pipeline, layouts.folders(root), options, *uris)
    account = report.read(uris[1])
    assert account == scan(root, options)
    assert (account.seen, account.examples, account.rejected, account.duplicates) == (22, 20, 1, 1)
    files["memory://bucket/photos/class0/new.jpg"] = image(99)
    assert fingerprint.fingerprint(root, options) != before
