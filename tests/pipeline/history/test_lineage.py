"""From a version back to its folder and forward from a photo, over what MLMD, the manifest and TFRecords hold."""

import json
import shutil

import pytest
from click.testing import CliRunner
from easel_serving.registry.directory import Directory
from easel_serving.registry.registry import Registry
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.image_folder_example_gen.whole_folder import ledger
from components.image_folder_example_gen.writing import shards
from pipeline.cli import main
from pipeline.history import examples, graph, lineage
from tests.pipeline.history.writer import Writer

KNOWN, LATER, UNKNOWN = (
    "ce46d1ef71f5aa1ee4a58ddc1d3a4f5b6d2e6f6d3f3b8ac0a4a53e0a5fb40a01",
    "11" * 32,
    "22" * 32,
)


def store_examples(folder, **splits):
    for split in ("train", "eval"):
        path = folder / f"Split-{split}"
        path.mkdir(parents=True)
        with shards.open_writer(str(path / "data_tfrecord-00000-of-00001.gz")) as writer:
            for digest in splits.get(split, ()):
                writer.write(b"\xff\xd8" * 700 + digest.encode() + b"image/key/sha256")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Version 1 from two photos; version 2 from one more, the cached statistics of the first, and a rejected run."""
    folder = tmp_path_factory.mktemp("workspace")
    model = tmp_path_factory.mktemp("model")
    writer = Writer(folder)
    serving = folder / "serving"

    def read(run, *lines, **splits):
        uri = folder / "artifacts" / f"examples-{run}"
        store_examples(uri, **splits)
        kept = folder / "artifacts" / f"ledger-{run}"
        kept.mkdir()
        ledger.write(str(kept), 0, 1, lines)
        found = writer.artifact("Examples", str(uri))
        outputs = [("examples", found), ("ledger", writer.artifact("EaselSplitLedger", str(kept)))]
        writer.execution(run, "ImageFolderExampleGen.photos", [], outputs, code="c1", input_base='/my "photos"')
        return found

    def push(run, number, data, trained):
        version = writer.artifact("PushedModel", "/p")
        version.custom_properties["pushed_version"].string_value = str(number)
        decision = writer.artifact("EaselDecision", "/d")
        inputs = [("model", trained), ("photos examples", data), ("_Gate.decision", decision)]
        about = {"model_name": "things", "serving_dir": str(serving), "nonce": run}
        writer.execution(run, "ServingPusher.classifier", inputs, [("pushed_model", version)], **about)
        (model / "saved_model.pb").write_text(run)
        made_by = {"configuration": {"name": "p", "workspace": str(folder)}, "commit": "abc", "packages": {"tfx": "1"}}
        document = {"created": f"2026-11-0{number}", "data": {"photos": {"digest": "d", "report": {"seen": 2}}}}
        figures = {"candidate": {"accuracy": 0.9}, "champion": None}
        Registry(serving).push("things", model, {**document, "metrics": figures, "lineage": made_by})

    def train(run, data):
        trained = writer.artifact("Model", f"/m/{run}")
        writer.execution(run, "Trainer.classifier", [("examples", data)], [("model", trained)], code="c2")
        return trained

    first = read("1", (KNOWN, "train"), train=[KNOWN])
    push("1", 1, first, train("1", first))
    second = read("2", (KNOWN, "train"), (LATER, "eval"), train=[KNOWN], eval=[LATER])
    model_2 = train("2", second)
    push("2", 2, second, model_2)
    writer.execution(
        "3", "Trainer.classifier", [("examples", second)], [("model", model_2)], state=mlmd.Execution.CACHED
    )
    push_again = writer.artifact("PushedModel", "/q")
    push_again.custom_properties["pushed_version"].string_value = "2"
    writer.execution(
        "3", "ServingPusher.classifier", [("model", model_2), ("photos", second)], [("pushed_model", push_again)],
        model_name="things", serving_dir=str(serving),
    )  # fmt: skip
    return folder


def easel(*arguments):
    done = CliRunner().invoke(main, ["lineage", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_a_version_is_followed_back_to_its_folder(workspace):
    found = lineage.of_version(Directory(workspace / "serving").version("things", 2))
    assert found.run == "2"  # not the third run, which found it pushed already
    nodes = {step.id: step for step in found.steps}
    assert [(step.node, step.run, step.code, step.folder) for step in found.steps] == [
        ("ImageFolderExampleGen.photos", "2", "c1", '/my "photos"'),
        ("Trainer.classifier", "2", "c2", ""),
        ("ServingPusher.classifier", "2", "", ""),
    ]
    ways = [(nodes[e.source].node.split(".")[0], nodes[e.target].node.split(".")[0], e.artifact) for e in found.edges]
    assert sorted(ways) == [
        ("ImageFolderExampleGen", "ServingPusher", "Examples"),
        ("ImageFolderExampleGen", "Trainer", "Examples"),
        ("Trainer", "ServingPusher", "Model"),
    ]
    code, text, _ = easel("things", 2, "--serving", workspace / "serving")
    assert code == 0
    for words in ("run     2", "accuracy 0.900", "from Trainer.classifier", "commit  abc", '/my "photos"'):
        assert words in text
    document = json.loads(easel("things", 1, "--serving", workspace / "serving", "--json")[1])
    assert json.loads(easel("things", 1, "--workspace", workspace, "--json")[1]) == document, (
        "a workspace that is named has its serving folder"
    )
    assert (document["run"], document["provenance"]["commit"], len(document["steps"])) == ("1", "abc", 3)


def test_without_its_workspace_the_manifest_still_tells(workspace, tmp_path):
    found = lineage.of_version(Directory(workspace / "serving").version("things", 1), tmp_path)
    assert (found.run, found.steps, found.metrics["candidate"]) == (None, (), {"accuracy": 0.9})


def photo_with(monkeypatch, tmp_path, digest):
    class Fake:
        def __init__(self, data):
            pass

        def hexdigest(self):
            return digest

    path = tmp_path / "photo.jpg"
    path.write_bytes(b"photo")
    monkeypatch.setattr(lineage.hashlib, "sha256", Fake)
    return path


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        (KNOWN, [(1, "train", ["previous"]), (2, "train", ["stable"])]),
        (LATER, [(2, "eval", ["stable"])]),
        (UNKNOWN, []),
    ],
)
def test_a_photo_is_followed_to_the_versions_that_saw_it(workspace, tmp_path, monkeypatch, digest, expected):
    photo = photo_with(monkeypatch, tmp_path, digest)
    _, text, _ = easel("--photo", photo, "--workspace", workspace, "--json")
    assert [(each["version"], each["split"], each["labels"]) for each in json.loads(text)] == expected
    _, text, _ = easel("--photo", photo, "--workspace", workspace)
    assert ("No pushed version" in text) == (not expected)


def test_an_image_is_found_in_the_records_that_tensorflow_writes(tmp_path):
    store_examples(tmp_path, train=[KNOWN, UNKNOWN], eval=[LATER])
    assert [examples.split_of(tmp_path, digest) for digest in (UNKNOWN, LATER, "33" * 32)] == ["train", "eval", None]


def test_the_graph_is_dot_and_graphviz_takes_it(workspace, tmp_path):
    code, _, _ = easel("things", 2, "--serving", workspace / "serving", "--graph", tmp_path / "l.dot")
    text = (tmp_path / "l.dot").read_text()
    assert code == 0
    assert text.count(" -> ") == 3 + 1 + 1  # pairs of steps, the folder, the version
    assert r'label="/my \"photos\""' in text
    assert easel("things", 2, "--serving", workspace / "serving", "--graph", "l.gif")[0] == 2
    if shutil.which("dot"):
        graph.write(lineage.of_version(Directory(workspace / "serving").version("things", 2)), tmp_path / "l.svg")
        assert "<svg" in (tmp_path / "l.svg").read_text()


def test_without_graphviz_a_picture_is_refused_in_one_line(workspace, monkeypatch, tmp_path):
    monkeypatch.setattr(graph.shutil, "which", lambda name: None)
    code, _, error = easel("things", 2, "--serving", workspace / "serving", "--graph", tmp_path / "l.svg")
    assert code == 2
    assert "install the package graphviz" in error


@pytest.mark.parametrize("arguments", [[], ["things"], ["things", "1", "--photo", "x.jpg"]])
def test_wrong_use(arguments):
    code, _, error = easel(*arguments)
    assert code == 2
    assert "give MODEL and VERSION" in error
