"""What is new in the folders, against what MLMD remembers of the last training."""

import datetime
import json
import os

import pytest
from easel_serving.registry.registry import Registry

from components.image_folder_example_gen.ingest.scan import pictures
from components.image_folder_example_gen.sources.fingerprint import fingerprint
from components.image_folder_example_gen.whole_folder import report
from pipeline.configuration.config import load
from pipeline.planning.workspace_state import WorkspaceState
from tests.pipeline.history.writer import Writer


@pytest.fixture
def config(config_file):
    return load(config_file, ["name=p", "when.new_images=3"]).only("classifier")


def read_and_train(config, run, rejected=(), trained=True):
    """A run that ingested the photos as they are now, and perhaps trained; the ledger's and report's folder."""
    config.workspace.mkdir(exist_ok=True)
    writer = Writer(config.workspace)
    book, account = (config.workspace / f"{name}-{run}" for name in ("ledger", "report"))
    for folder in (book, account):
        folder.mkdir()
    digests = sorted(each.sha256 for each in pictures(config.classifier.photos, config.ingest))
    (book / "ledger-00-of-01.tsv").write_text("".join(f"{each}\ttrain\n" for each in digests))
    lines = [json.dumps({"path": name, "size": size}) + "\n" for name, size in rejected]
    (account / report.REJECTED).write_text("".join(lines))
    report.write(report.build({("examples", "eval", "cat", "256-511"): 5}, []), str(account))
    outputs = [("ledger", writer.artifact("L", str(book))), ("report", writer.artifact("R", str(account)))]
    state = fingerprint(config.classifier.photos, config.ingest)
    writer.execution(run, "ImageFolderExampleGen.photos", outputs=outputs, fingerprint=state)
    if trained:
        writer.execution(run, "Trainer.classifier", outputs=[("model", writer.artifact("Model", f"/m{run}"))])
    return book


def test_a_workspace_without_a_run_knows_nothing(config):
    standing = WorkspaceState(config)
    facts = standing.facts("classifier")
    assert (facts.version, facts.age, facts.new_images) == (None, None, None)
    assert standing.folders["photos"].changed
    assert standing.unseen_since_last("photos") is None
    assert standing.reports() == {}


def test_contents_count_and_not_names_times_or_copies(config, folders):
    read_and_train(config, "r1")
    assert not WorkspaceState(config).folders["photos"].changed
    assert WorkspaceState(config).reports()["classifier.photos"].splits == {"eval": {"cat": 5}}
    cats = folders / "photos" / "cat"
    os.utime(cats / "0.jpg", (1, 1))
    (cats / "1.jpg").rename(cats / "renamed.jpg")
    (cats / "copy.jpg").write_bytes((cats / "2.jpg").read_bytes())
    standing = WorkspaceState(config)
    assert standing.folders["photos"].changed
    assert standing.facts("classifier").new_images == {"photos": 0}
    for name in ("new.jpg", "again.jpg"):
        (cats / name).write_bytes(b"new content")
    (cats / "other.jpg").write_bytes(b"other content")
    assert WorkspaceState(config).facts("classifier").new_images == {"photos": 2}
    assert WorkspaceState(config).unseen_since_last("photos") == 2


def test_what_was_rejected_before_is_not_new(config, folders):
    broken = folders / "photos" / "cat" / "broken.jpg"
    broken.write_bytes(b"broken")
    read_and_train(config, "r1", rejected=[("cat/broken.jpg", 6)])
    (folders / "photos" / "cat" / "0.jpg").unlink()
    assert WorkspaceState(config).facts("classifier").new_images == {"photos": 0}
    broken.write_bytes(b"repaired")
    assert WorkspaceState(config).facts("classifier").new_images == {"photos": 1}


def test_new_is_counted_from_the_last_training_and_not_from_the_last_reading(config, folders):
    book = read_and_train(config, "r1")
    (folders / "photos" / "cat" / "new.jpg").write_bytes(b"new content")
    read_and_train(config, "r2", trained=False)
    standing = WorkspaceState(config)
    assert standing.facts("classifier").new_images == {"photos": 1}
    assert not standing.folders["photos"].changed
    (book / "ledger-00-of-01.tsv").unlink()
    book.rmdir()
    assert WorkspaceState(config).facts("classifier").new_images is None


def test_the_age_is_that_of_the_version_that_serves(config, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "saved_model.pb").write_bytes(b"x")
    Registry(config.serving).push("classifier", model, {"created": "2026-01-02T03:04:05+00:00", "metrics": {}})
    now = datetime.datetime(2026, 1, 3, 3, 4, 5, tzinfo=datetime.timezone.utc)
    facts = WorkspaceState(config).facts("classifier", now)
    assert (facts.version, facts.age) == (1, 86400)
