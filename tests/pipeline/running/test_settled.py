"""A run that would change nothing is known by its digest; whatever changes, or is in doubt, is left to TFX."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest
from easel_serving.registry.registry import Registry

from components.image_folder_example_gen.sources.fingerprint import fingerprint
from pipeline.configuration.config import load
from pipeline.history.result import ModelResult, RunResult
from pipeline.planning import schema, snapshot
from pipeline.planning.triggers import Decision
from pipeline.progress.events import Node
from pipeline.running import settled
from tests.pipeline.commands.command import easel
from tests.pipeline.history.writer import Writer

NODES = [
    Node("ImageFolderExampleGen.photos", "photos", "read images"),
    Node("Champion.classifier", "classifier", "champion"),
    Node("ServingPusher.classifier", "classifier", "push"),
]
STATES = dict(zip((node.id for node in NODES), ("cached", "done", "skipped"), strict=True))


@pytest.fixture
def config(config_file):
    """A workspace in which version 1 serves, and the last run found nothing to do."""
    overrides = ["name=p"]
    config = load(config_file, overrides).only("classifier")
    model = config.workspace / "candidate"
    model.mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"x")
    Registry(config.serving).push("classifier", model, {"created": "2026-01-01T00:00:00+00:00", "metrics": {}})
    schema.propose(config)
    return config


def remember(config, outcome="unchanged", decided=None, run="r1"):
    """Writes a run as the runner does, and what it notes of it; the folder of an artifact."""
    result = RunResult(run, (ModelResult("classifier", "classifier", outcome, version=1),), 1.0, config.serving)
    writer = Writer(config.workspace)
    artifacts = config.workspace / "artifacts" / run
    artifacts.mkdir(parents=True)
    verdict = writer.document("EaselVerdict", "champion.json", {"changed": False, "champion": {"version": 1}})
    writer.context("pipeline_run", run, configuration=json.dumps(config.described()), finished="2000000000")
    state = fingerprint(config.classifier.photos, config.ingest)
    examples = [("examples", writer.artifact("Examples", str(artifacts)))]
    writer.execution(run, NODES[0].id, outputs=examples, fingerprint=state)
    writer.execution(run, NODES[1].id, outputs=[("verdict", verdict)])
    world = snapshot.take(config)
    noted = settled.note(config, world, decided or {}, result, NODES, STATES)
    context = writer.store.get_context_by_type_and_name("pipeline_run", run)
    for name, text in noted.items():
        context.custom_properties[name].string_value = text
    writer.store.put_contexts([context])
    return artifacts


def test_a_run_with_nothing_new_comes_to_what_the_last_one_came_to(config):
    assert settled.find(config, {}) is None
    remember(config)
    found = settled.find(config, {})
    assert found.run.id == "r1"
    [model] = found.result(config).models
    assert (model.outcome, model.version) == ("unchanged", 1)
    assert [(each.node, each.state) for each in found.components] == list(
        zip(NODES, ("cached", "cached", "skipped"), strict=True)
    )


def add_a_photo(config):
    photos = Path(config.classifier.photos, "cat")
    (photos / "new.jpg").write_bytes((photos / "0.jpg").read_bytes())


def touch_a_photo(config):
    os.utime(Path(config.classifier.photos, "cat", "0.jpg"), (1, 1))


def edit_the_schema(config):
    path = config.workspace / "schemas" / "photos.pbtxt"
    path.write_text(path.read_text() + "# mine\n")


def lose_the_version(config):
    shutil.rmtree(config.serving / "classifier" / "1")


def lose_the_configuration_of_the_server(config):
    (config.serving / "models.config").unlink()


def lose_an_artifact(config):
    shutil.rmtree(config.workspace / "artifacts" / "r1")


def begin_another_run(config):
    Writer(config.workspace).context("pipeline_run", "r2", configuration="{}")


@pytest.mark.parametrize(
    "change",
    [
        add_a_photo,
        touch_a_photo,
        edit_the_schema,
        lose_the_version,
        lose_the_configuration_of_the_server,
        lose_an_artifact,
        begin_another_run,
    ],
    ids=lambda change: change.__name__,
)
def test_whatever_changes_is_for_tfx_to_look_at(config, change):
    remember(config)
    change(config)
    assert settled.find(config, {}) is None


def test_another_configuration_decision_or_code_is_for_tfx_to_look_at(config, monkeypatch, tmp_path):
    remember(config)
    assert settled.find(config.model_copy(update={"seed": 9}), {}) is None
    assert settled.find(config, {"classifier": Decision(True, ("when.always",))}) is None
    room = tmp_path / "room"
    room.mkdir()
    (room / "__init__.py").write_text("")
    monkeypatch.setattr(settled, "_ROOMS", (*settled._ROOMS, type(os)("room")))
    settled._ROOMS[-1].__file__ = str(room / "__init__.py")
    assert settled.find(config, {}) is None


@pytest.mark.parametrize("outcome", ["pushed", "failed", "unfinished"])
def test_what_another_run_may_change_is_not_settled(config, outcome):
    remember(config, outcome)
    assert settled.find(config, {}) is None


def test_a_run_that_changed_the_world_is_not_settled(config):
    world = dataclasses.replace(snapshot.take(config), champions={"classifier": ""})
    result = RunResult("r1", (ModelResult("classifier", "classifier", "unchanged", version=1),), 1.0, config.serving)
    assert settled.note(config, world, {}, result, NODES, STATES) == {}


def test_the_command_answers_without_the_runner(config, config_file, fake_runner):
    remember(config)
    fake_runner(lambda *given: pytest.fail("TFX would have been loaded"))
    arguments = ("run", config_file, "--only", "classifier", "--set", "name=p")
    document = json.loads(easel(*arguments, "--json").stdout)
    assert (document["exit_code"], document["run_id"]) == (0, "r1")
    assert document["models"][0]["outcome"] == "unchanged"
    told = easel(*arguments).stdout
    assert "nothing changed since run r1, whose outcome stands" in told
    assert "unchanged: version 1 serves" in told
    ahead = json.loads(easel(*arguments, "--dry-run", "--json").stdout)
    assert [lane["action"] for lane in ahead["lanes"]] == ["unchanged", "unchanged"]
    assert [each["state"] for each in ahead["components"]] == ["cached", "cached", "skipped"]
