"""The reader against MLMD's own library: what that writes is what is read, also while somebody else writes."""

import sqlite3

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.history.store import SCHEMA_VERSION, Store
from tests.pipeline.history.writer import Writer
from trainer.base.errors import UserError


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workspace")
    writer = Writer(folder)
    writer.context("pipeline_run", "1", commit="abc")
    report = writer.artifact("Report", "/r/1", seen=9)
    writer.execution("1", "Read.photos", outputs=[("report", report)], fingerprint="f")
    writer.execution("1", "Gate.photos", inputs=[("report baseline", report)], state=mlmd.Execution.FAILED)
    writer.execution("2", "Read.photos", outputs=[("report", report)], state=mlmd.Execution.CACHED)
    gone = writer.artifact("Report", "/r/2", state=mlmd.Artifact.DELETED, seen=0)
    writer.execution("2", "Read.photos.b", outputs=[("report", gone)])
    return folder


def test_runs_are_listed_and_read_as_they_were_written(workspace):
    store = Store(workspace)
    assert [(run.id, run.pipeline, dict(run.properties)) for run in store.runs()] == [
        ("2", "p", {}),
        ("1", "p", {"commit": "abc"}),
    ]
    run = store.run("1")
    assert [(each.node, each.state, each.finished) for each in run.executions] == [
        ("Read.photos", "done", True),
        ("Gate.photos", "failed", False),
    ]
    read, gate = run.executions
    assert read.properties == {"fingerprint": "f"}
    report = read.output("report")
    assert (report.type, report.uri, report.live, report.properties) == ("Report", "/r/1", True, {"seen": 9})
    assert gate.input("report") == gate.input("baseline") == report  # MLMD keeps one event for both channels
    assert gate.output("report") is None
    assert store.run("3") is None
    assert store.runs("other") == ()


def test_the_executions_of_one_node_in_all_runs_and_its_newest_artifact_that_is_still_there(workspace):
    store = Store(workspace)
    assert [each.state for each in store.executions("p", "Read.photos")] == ["done", "cached"]
    assert str(store.latest("p", "Read.photos", "Report")) == "/r/1"
    assert store.latest("p", "Read.photos.b", "Report") is None
    assert store.latest("p", "Read.photos", "Other") is None


def test_a_workspace_without_runs_has_none(tmp_path):
    store = Store(tmp_path)
    assert (store.runs(), store.executions("p", "n"), store.latest("p", "n", "t")) == ((), (), None)
    assert list(tmp_path.iterdir()) == []


def test_reading_waits_for_a_writer_changes_nothing_and_says_what_it_cannot_read(workspace, tmp_path):
    before = (workspace / "metadata.sqlite").read_bytes()
    with sqlite3.connect(workspace / "metadata.sqlite") as writer:
        writer.execute("BEGIN IMMEDIATE")  # a run that is about to write keeps no reader out
        assert len(Store(workspace).runs()) == 2
        writer.rollback()
    assert (workspace / "metadata.sqlite").read_bytes() == before
    (tmp_path / "metadata.sqlite").write_bytes(b"no database at all" * 99)
    with pytest.raises(UserError, match=r"metadata\.sqlite: cannot be read"):
        Store(tmp_path).runs()
    (tmp_path / "metadata.sqlite").write_bytes(before)
    with sqlite3.connect(tmp_path / "metadata.sqlite") as other:
        other.execute("UPDATE MLMDEnv SET schema_version = 11")
    with pytest.raises(UserError, match=f"schema version 11, not {SCHEMA_VERSION}"):
        Store(tmp_path).runs()


def test_what_a_killed_run_left_half_written_is_rolled_back(workspace, tmp_path):
    database = tmp_path / "metadata.sqlite"
    database.write_bytes((workspace / "metadata.sqlite").read_bytes())
    writer = sqlite3.connect(database, isolation_level=None)
    for statement in (
        "PRAGMA cache_size = 1",
        "BEGIN",
        "UPDATE Context SET name = name || '-half'",
        "UPDATE ExecutionProperty SET string_value = hex(randomblob(1000000))",
    ):
        writer.execute(statement)
    journal = tmp_path / "metadata.sqlite-journal"
    left = tmp_path / "left"
    left.mkdir()
    for path in (database, journal):
        (left / path.name).write_bytes(path.read_bytes())
    writer.close()
    assert [run.id for run in Store(left).runs()] == ["2", "1"]


def test_one_run_is_read_alone(workspace, monkeypatch):
    from pipeline.history import store

    read = []
    properties = store._properties
    monkeypatch.setattr(
        store, "_properties", lambda query, owner, ids: read.append((owner, len(ids))) or properties(query, owner, ids)
    )
    assert Store(workspace).run("1").id == "1"
    assert ("Context", 1) in read
    assert ("Context", 2) not in read
    assert [run.id for run in Store(workspace).runs("p")] == ["2", "1"]
