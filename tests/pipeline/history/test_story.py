"""Runs as MLMD and the artifacts have them, told by `easel runs`."""

import json

import pytest
from click.testing import CliRunner
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.cli import main
from pipeline.configuration.config import Config
from pipeline.history import configuration
from pipeline.history.records import Execution, Run
from tests.pipeline.history.writer import Writer

READ, GATE = "ImageFolderExampleGen.photos", "DataGate.classifier.photos"
COUNTS = {"seen": 10, "examples": 8, "rejected": 1, "duplicates": 1, "ignored": 0}
METRICS = {"candidate": {"accuracy": 0.9}, "champion": None, "trivial": {"accuracy": 0.5}}
CACHED, FAILED, RUNNING = mlmd.Execution.CACHED, mlmd.Execution.FAILED, mlmd.Execution.RUNNING


def read(writer, run, fingerprint, **extra):
    report = writer.artifact("EaselIngestReport", "/r", **COUNTS)
    found = dict(fingerprint=fingerprint, input_base="/photos", options='{"spans": 3}') | extra
    writer.execution(run, READ, outputs=[("report", report)], **found)
    return report


def judge(writer, run, report, gate):
    verdict = writer.document("EaselDataVerdict", "verdict.json", gate, passed=int(gate["passed"]))
    writer.execution(run, GATE, [("report", report)], [("verdict", verdict)])


def decide(writer, run, report, approved=True, champion=None):
    judge(writer, run, report, {"passed": True, "findings": [], "how_to_fix": []})
    verdict = writer.document("C", "champion.json", {"changed": True, "champion": champion}, changed=1)
    writer.execution(run, "Champion.classifier", [("candidate", report)], [("verdict", verdict)])
    decision = {
        "approved": approved,
        "metrics": METRICS,
        "checks": [],
        "reasons": ["accuracy 0.9 is at least 0.8"],
        "notes": ["classifier.thresholds.accuracy.beats_trivial_by is off"],
        "trivials": {"the class prior": {"accuracy": 0.5}},
    }
    outputs = [("decision", writer.document("D", "decision.json", decision, approved=1))]
    writer.execution(run, "PromotionGate.classifier", [("evaluation", report)], outputs)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Pushed, rejected, failed, stopped, killed."""
    folder = tmp_path_factory.mktemp("workspace")
    writer = Writer(folder)

    def begin(run, epochs, finished=True, **errors):
        config = Config.model_validate(
            {"workspace": str(folder), "classifier": {"photos": "/photos", "name": "things"}}
        )
        document = config.model_dump(mode="json", by_alias=True)
        document["classifier"]["train"]["head"]["epochs"] = epochs
        document["classifier"]["no_longer_there"] = None
        facts = {"configuration": json.dumps(document), "provenance": '{"commit": "abc", "packages": {"tfx": "1"}}'}
        end = {"finished": "9999999999.5", "errors": json.dumps(errors)} if finished else {}
        writer.context("pipeline_run", run, **facts, **end)

    begin("1", 20)
    decide(writer, "1", read(writer, "1", "f1"))
    pushed = {"outcome": "pushed", "version": 1, "stable": 1, "warnings": []}
    writer.execution(
        "1", "ServingPusher.classifier", [], [("pushed_model", writer.document("P", "pushed.json", pushed))]
    )
    begin("2", 3)
    decide(writer, "2", read(writer, "2", "f2"), approved=False, champion={"version": 1})
    begin("3", 3, **{"Trainer.classifier": "no space left"})
    read(writer, "3", "f2", state=CACHED)
    writer.execution("3", "Trainer.classifier", state=FAILED)
    begin("4", 3)
    finding = {"action": "stop", "kind": "new_class", "message": "a new class: bird", "files": [], "images": 0}
    judge(
        writer,
        "4",
        read(writer, "4", "f3"),
        {"passed": False, "findings": [finding], "how_to_fix": ["new_class: add it"]},
    )
    begin("5", 3, finished=False)
    read(writer, "5", "f3", state=RUNNING)
    (folder / "runs" / "2").mkdir(parents=True)
    (folder / "runs" / "2" / "data.html").touch()
    return folder


@pytest.fixture
def easel(workspace):
    def call(*arguments):
        done = CliRunner().invoke(main, ["runs", "--workspace", str(workspace), *arguments])
        return done.exit_code, done.stdout, done.stderr

    return call


def test_the_list_says_what_each_run_came_to_and_is_filtered_by_verdict(easel):
    _, text, _ = easel("--json")
    runs = json.loads(text)
    assert [(run["run"], run["finished"], *(model["outcome"] for model in run["models"])) for run in runs] == [
        ("5", False, "unfinished"),
        ("4", True, "stopped"),
        ("3", True, "failed"),
        ("2", True, "rejected"),
        ("1", True, "pushed"),
    ]
    assert [run["run"] for run in json.loads(easel("--json", "--verdict", "rejected")[1])] == ["2"]
    assert [run["run"] for run in json.loads(easel("--json", "--last", "2")[1])] == ["5", "4"]
    code, text, _ = easel()
    assert code == 0
    for words in (
        "pushed as version 1",
        "not approved: version 1 still serves",
        "stopped by data validation",
        "8 photos",
    ):
        assert words in text


def test_a_run_is_explained(easel, workspace):
    told = json.loads(easel("show", "2", "--json")[1])
    assert told["reasons"] == [f"the files of the folder changed: {READ}"]
    behind = CliRunner().invoke(main, ["runs", "show", "2", "--workspace", str(workspace), "--json"])
    assert json.loads(behind.stdout) == told
    assert told["data"]["photos"] == {
        "folder": "/photos",
        "counts": COUNTS,
        "fingerprint": "f2",
        "spans": 3,
        "span": None,
    }
    change = {"key": "classifier.train.head.epochs", "before": 20, "after": 3}
    assert (told["previous"], told["configuration"]) == ("1", [change])
    components = {each["node"]: (each["state"], each["why"]) for each in told["components"]}
    assert components[READ] == ("done", "the files of the folder changed")
    assert components[GATE] == ("done", "new inputs: report")
    assert told["provenance"]["commit"] == "abc"
    assert told["files"] == {"data page": str(workspace / "runs" / "2" / "data.html")}
    _, text, _ = easel("show", "2")
    for words in ("accuracy 0.9 is at least 0.8", "head.epochs", "20", "data.html", "commit", "f2"):
        assert words in text


def test_a_guard_that_is_off_is_told_with_the_verdict(easel):
    [model] = json.loads(easel("--json", "--verdict", "pushed")[1])[0]["models"]
    assert model["warnings"] == ["classifier.thresholds.accuracy.beats_trivial_by is off"]
    assert model["trivials"] == {"the class prior": {"accuracy": 0.5}}


def test_what_went_wrong_is_told(easel):
    assert "Trainer.classifier: no space left" in easel("show", "3")[1]
    stopped = json.loads(easel("show", "4", "--json")[1])
    assert {"stopped"} == {each["state"] for each in stopped["components"] if each["node"] == GATE}
    assert "a new class: bird" in easel("show", "4")[1]
    assert "not finished" in easel("show", "latest")[1]
    assert easel("show", "7") == (2, "", "easel: run 7: no run of this workspace; `easel runs` lists them\n")


def test_a_workspace_without_runs(tmp_path):
    done = CliRunner().invoke(main, ["runs", "--workspace", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (
        0,
        f"Nothing ran in {tmp_path} yet: `easel run CONFIG` does; --workspace names another.\n",
    )


def test_configurations_are_compared_key_by_key_and_old_ones_are_read():
    before, after = {"a": {"b": 1, "c": [1, 2]}, "gone": True}, {"a": {"b": 1, "c": [2]}, "new": {"x": 0}}
    assert configuration.changes(before, after) == (("a.c", [1, 2], [2]), ("new.x", None, 0), ("gone", True, None))
    old = {"style": {"photos": "/p", "paintings": "/q", "train": {"steps": 7, "was": {"here": 1}}}, "never": None}
    assert configuration.restore(old).style.train.steps == 7
    assert configuration.restore({"style": {"photos": 7}}) is None
    lineage = json.dumps({"configuration": {"name": "x"}, "commit": "abc"})
    run = Run("r", "p", 0.0, {}, (Execution(1, "r", "ServingPusher.style", "done", 0, 0, {"lineage": lineage}),))
    assert configuration.recorded(run) == {"name": "x"}
    assert configuration.provenance(run) == {"commit": "abc"}
