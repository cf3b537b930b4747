"""What gc keeps and what it removes, over runs as MLMD and the artifacts have them."""

import json
import os

import pytest
from click.testing import CliRunner
from easel_serving.registry.registry import Registry
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.cli import main
from pipeline.configuration.config import load
from pipeline.history.records import Execution, Run
from pipeline.history.store import Store
from pipeline.planning.retention import needed, newest_of_each, pushers
from pipeline.running import lock
from tests.pipeline.history.writer import Writer


def run(name, *executions):
    return Run(name, "p", 0.0, executions=executions)


def done(node, state="done"):
    return Execution(id=1, run="r", node=node, state=state, started=0.0, seconds=1.0)


def test_the_newest_finished_execution_of_each_component_keeps_its_run():
    runs = [
        run("4", done("A"), done("B", "failed")),
        run("3", done("A"), done("B", "cached")),
        run("2", done("A"), done("B"), done("C")),
        run("1", done("A"), done("B"), done("C")),
    ]
    assert list(newest_of_each(runs)) == ["4", "3", "2"]


class Workspace:
    """Runs of a classifier with an artifact each of reading, training and pushing."""

    def __init__(self, config):
        self.config, self.count = config, 0
        config.workspace.mkdir()
        self.writer = Writer(config.workspace)

    def artifact(self, node, key, kind, **extra):
        self.count += 1
        folder = self.config.workspace / "artifacts" / node / key / str(self.count)
        folder.mkdir(parents=True)
        (folder / "data").write_bytes(b"x" * 1000)
        return self.writer.artifact(kind, str(folder), **extra)

    def run(self, name, push=True, lane="classifier", model="classifier"):
        read, train, serve = f"ImageFolderExampleGen.{lane}", f"Trainer.{lane}", f"ServingPusher.{lane}"
        examples = self.artifact(read, "examples", "Examples")
        report = self.artifact(read, "report", "EaselIngestReport")
        self.writer.execution(name, read, outputs=[("examples", examples), ("report", report)], fingerprint=name)
        trained = self.artifact(train, "model", "Model")
        self.writer.execution(name, train, [("examples", examples)], [("model", trained)])
        if not push:
            return
        saved = self.config.workspace / "saved"
        saved.mkdir(exist_ok=True)
        (saved / "saved_model.pb").write_text(name)
        version = Registry(self.config.serving).push(model, saved, {"created": "", "metrics": {}}).version
        pushed = self.artifact(serve, "pushed_model", "PushedModel")
        pushed.custom_properties["pushed_destination"].string_value = str(version.path)
        self.writer.execution(name, serve, [("model", trained), ("report", report)], [("pushed_model", pushed)])

    def files(self):
        return {
            f"{path.parts[-4].split('.')[0]}/{path.parts[-3]}/{path.parts[-2]}"
            for path in (self.config.workspace / "artifacts").rglob("data")
        }


@pytest.fixture
def workspace(config_file):
    workspace = Workspace(load(config_file, ["name=p"]).only("classifier"))
    for name in ("1", "2", "3"):
        workspace.run(name)
    workspace.run("4", push=False)
    return workspace


KEPT = {
    "ImageFolderExampleGen/report/2",  # the document behind version 1, which has no label any more
    "ImageFolderExampleGen/examples/5", "ImageFolderExampleGen/report/6", "Trainer/model/7",  # version 2, previous
    "ServingPusher/pushed_model/8",
    "ImageFolderExampleGen/examples/9", "ImageFolderExampleGen/report/10", "Trainer/model/11",  # version 3, stable
    "ServingPusher/pushed_model/12",
    "ImageFolderExampleGen/examples/13", "ImageFolderExampleGen/report/14", "Trainer/model/15",  # the newest
}  # fmt: skip


def gc(config_file, *arguments):
    return CliRunner().invoke(main, ["gc", str(config_file), "--set", "name=p", *arguments])


def test_versions_and_runs_keep_what_they_need(workspace):
    store = Store(workspace.config.workspace)
    runs = [store.run(each.id) for each in store.runs()]
    assert {path[-1]: found.id for path, found in pushers(runs).items()} == {"1": "1", "2": "2", "3": "3"}
    assert len(needed(runs, [], [])) == 7  # of the runs 3 and 4


def test_gc_removes_the_rest_marks_it_and_is_done(workspace, config_file):
    root = workspace.config.workspace
    orphan = root / "artifacts" / "Trainer.classifier" / "model" / "99"  # of a run that was killed
    (orphan / "part").mkdir(parents=True)
    working = root / "artifacts" / "Trainer.classifier" / ".system" / "executor_execution" / "7"
    working.mkdir(parents=True)
    before = workspace.files()
    told = json.loads(gc(config_file, "--dry-run", "--json").stdout)
    assert workspace.files() == before
    result = gc(config_file)
    assert result.exit_code == 0, result.stderr
    assert "3 kB removed" in result.stdout
    assert workspace.files() == KEPT
    assert not orphan.exists()
    assert not working.exists()
    removed = {os.path.relpath(each["path"], root / "artifacts") for each in told["removed"]}
    assert len(removed) == 5
    assert told["bytes"] == 3000
    store = Store(root)
    gone = {each.uri for each in store.run("1").execution("Trainer.classifier").outputs["model"] if not each.live}
    assert len(gone) == 1
    assert store.run("2").execution("Trainer.classifier").output("model").live
    assert len(store.runs()) == 4
    assert json.loads(gc(config_file, "--json").stdout)["removed"] == []


def test_gc_does_not_work_beside_a_run(workspace, config_file, monkeypatch):
    def held(workspace):
        raise lock.LockedError("held by another run")

    monkeypatch.setattr(lock, "hold", held)
    assert gc(config_file).exit_code == 75


def test_a_removed_artifact_is_out_of_the_cache_for_tfx(workspace, config_file):
    gc(config_file)
    [artifact] = [each for each in workspace.writer.store.get_artifacts() if each.uri.endswith("model/3")]
    assert artifact.state == mlmd.Artifact.DELETED


def test_the_run_behind_another_lanes_stable_version_stays(workspace, config_file):
    before = workspace.files()
    workspace.run("other", lane="style", model="painter")
    behind = workspace.files() - before
    for name in ("5", "6", "7"):  # so that nothing of it is the newest of anything
        workspace.run(name, lane="style", model="painter")
    Registry(workspace.config.serving).promote("painter", 1)
    gc(config_file, "--set", "style=null")
    assert behind <= workspace.files()


def test_versions_are_found_again_behind_a_link_and_after_a_move(workspace, config_file, tmp_path):
    serving = workspace.config.serving
    serving.rename(tmp_path / "moved")
    serving.symlink_to(tmp_path / "moved")
    gc(config_file)
    assert workspace.files() == KEPT
    serving.unlink()
    gc(config_file, "--set", f"serving={tmp_path / 'moved'}")
    assert workspace.files() == KEPT
