"""One workspace through its life: first run, nothing new, lost versions, bad models, new code, bad data; in order."""

import json
import shutil

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from click.testing import CliRunner
from easel_serving.models.saved_model import SavedModel
from PIL import Image

from pipeline.cli import main
from pipeline.configuration import config as configuration
from pipeline.dag import blueprint
from pipeline.history.result import RunResult
from pipeline.planning.workspace_state import WorkspaceState
from pipeline.running.dry_run import look_ahead

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def first(house) -> RunResult:
    (house.root / "photos" / "rings" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    return house.run()


def by_name(result: RunResult) -> dict:
    return {model.name: model for model in result.models}


def test_two_models_are_pushed_and_a_corrupt_file_is_listed_not_fatal(house, first):
    models = by_name(first)
    assert first.exit_code == 0, [model.reasons for model in first.models]
    assert {(model.name, model.outcome, model.version) for model in first.models} == {
        ("classifier", "pushed", 1),
        ("style", "pushed", 1),
    }
    assert house.versions("classifier") == house.versions("style") == [1]
    counts = models["classifier"].data["photos"]
    assert counts["rejected"] == 1
    assert counts["seen"] == counts["examples"] + counts["rejected"] + counts["duplicates"] + counts["ignored"]
    for model in first.models:
        assert set(model.metrics) == {"candidate", "champion", "trivial"}
        assert model.metrics["champion"] is None
        assert model.reasons


def test_the_directory_holds_what_tensorflow_serving_loads(house, first):
    serving = house.root / "workspace" / "serving"
    assert 'name: "classifier"' in (serving / "models.config").read_text()
    expected = {
        "classifier": {"serving_default": {"image_bytes"}, "classify": {"inputs"}},
        "style": {
            "serving_default": {"content_bytes", "style_bytes", "strength"},
            "encode_style": {"style_bytes"},
            "stylize": {"content_bytes", "style_code"},
            "stylize_named": {"content_bytes", "style_name", "strength"},
        },
    }
    for name, signatures in expected.items():
        folder = serving / name / "1"
        assert (folder / "assets.extra" / "tf_serving_warmup_requests").stat().st_size > 0
        loaded = SavedModel(folder)
        assert {key: set(loaded.inputs(key)) for key in signatures} == signatures
        manifest = json.loads((serving / name / "manifests" / "1" / "manifest.json").read_text())
        assert manifest["metrics"]["candidate"]
        if name == "classifier":
            photo = next((house.root / "photos").rglob("*.jpg")).read_bytes()
            answer = loaded("serving_default", {"image_bytes": np.array([photo], object)})
            assert all(len(values) == 1 for values in answer.values())


def test_the_tflite_variants_run(house, first):
    for name, parts in (("classifier", 4), ("style", 4)):
        folder = house.root / "workspace" / "serving" / name / "manifests" / "1" / "tflite"
        files = sorted(folder.glob("*.tflite"))
        assert len(files) == parts, by_name(first)[name].tflite
        for path in files:
            interpreter = Interpreter(str(path))
            interpreter.allocate_tensors()
            for tensor in interpreter.get_input_details():
                interpreter.set_tensor(tensor["index"], np.zeros(tensor["shape"], tensor["dtype"]))
            interpreter.invoke()
            assert np.isfinite(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])).all()


@pytest.mark.parametrize("runtime", ["tflite", "tensorflow"])
def test_a_folder_of_any_name_is_classified_and_painted(house, first, tmp_path, runtime):
    serving, photos = house.root / "workspace" / "serving", house.root / "photos" / "rings"
    photo, painting = next(photos.glob("*.jpg")), next((house.root / "paintings").iterdir())
    common = ["--serving", str(serving), "--runtime", runtime]
    classified = CliRunner().invoke(main, ["classify", "--json", *common, "--", str(photo)])
    assert classified.exit_code == 0, classified.output
    assert json.loads(classified.stdout)[0]["path"] == str(photo)
    painted = house.root / f"painted {runtime}.png"
    arguments = ["--content", str(photo), "--style", str(painting), "-o", str(painted)]
    result = CliRunner().invoke(main, ["stylize", *common, *arguments])
    assert result.exit_code == 0, result.output
    assert Image.open(painted).size == Image.open(photo).size


def test_the_contact_sheet_shows_pictures_and_a_matrix(first):
    sheet = np.asarray(Image.open(first.sheet).convert("L"))
    assert sheet.shape[0] > 800
    assert sheet.std() > 20


def test_a_second_run_is_served_from_cache_and_pushes_nothing(house, first):
    done = house.easel("run", "easel.yaml", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {model["outcome"] for model in document["models"]} == {"unchanged"}
    assert document["sheet"] is None, "nothing was evaluated"
    again = json.loads(house.easel("run", "easel.yaml", "--json").stdout)
    assert again["run_id"] == document["run_id"], "the third need not even ask TFX"
    assert again["models"] == document["models"]
    assert house.versions("classifier") == house.versions("style") == [1]


def test_an_emptied_serving_directory_is_refilled_without_training(house, first):
    shutil.rmtree(house.root / "workspace" / "serving")
    result = house.run()
    assert result.exit_code == 0
    assert result.seconds < first.seconds / 2
    assert house.versions("classifier") == house.versions("style") == [1]


def test_models_that_learned_nothing_are_not_pushed_and_the_run_exits_4(house, first):
    house.configure(
        classifier__train={"scratch": {"epochs": 1, "learning_rate": 1e-9}},
        classifier__thresholds=None,
        classifier__tflite={"variants": ["float32"], "max_accuracy_drop": 1.0},
        style__train={**house.settings("style", "train"), "learning_rate": 1e-9},
        style__thresholds=None,
        style__tflite={"variants": ["float32"]},
    )
    result = house.run()
    house.configure()
    models = by_name(result)
    assert result.exit_code == 4
    assert {model.outcome for model in models.values()} == {"rejected"}
    assert "accuracy" in " ".join(models["classifier"].reasons)
    assert "style distance" in " ".join(models["style"].reasons)
    assert all(model.metrics["champion"] for model in models.values()), "each is compared with the version that serves"
    assert house.versions("classifier") == house.versions("style") == [1]


def test_an_edited_loss_retrains_the_style_network_only(house, first, monkeypatch):
    original = blueprint.digest

    def edited(*modules):
        return original(*modules) + ("-edited" if "trainer.style.training.run" in modules else "")

    monkeypatch.setattr(blueprint, "digest", edited)
    config = configuration.load(house.root / "easel.yaml")
    ahead = look_ahead(config, WorkspaceState(config), {})
    assert {lane.name: lane.action for lane in ahead.lanes} == {
        "photos": "unchanged",
        "style-photos": "unchanged",
        "paintings": "unchanged",
        "classifier": "unchanged",
        "style": "retrains",
    }
    assert "StyleTrainer.style" in {each.node.id for each in ahead.components if each.state == "runs"}


def test_a_new_class_stops_the_classifier_while_the_style_lane_finishes(house, first):
    folder = house.root / "photos" / "spirals"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(rng.integers(0, 255, (120, 160, 3), np.uint8)).save(folder / f"{number}.jpg")
    result = house.run()
    models = by_name(result)
    assert result.exit_code == 3
    assert models["classifier"].outcome == "stopped"
    assert "spirals" in " ".join(models["classifier"].reasons)
    assert models["style"].outcome in ("pushed", "unchanged")


def test_black_paintings_stop_the_style_lane_too_and_are_named(house, first):
    for number, path in enumerate(sorted((house.root / "paintings").iterdir())):
        Image.new("RGB", (200 + number, 200)).save(path)
    result = house.run()
    models = by_name(result)
    assert result.exit_code == 3
    assert models["style"].outcome == "stopped"
    assert "paintings" in " ".join(models["style"].reasons)
    # The new class is there still: what stopped this lane stops it again.
    assert models["classifier"].outcome == "stopped"
