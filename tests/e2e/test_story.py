"""One workspace through its life: first run, nothing new, new code, bad data, lost versions; in this order."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from pipeline import dag
from tests.e2e.conftest import House


@pytest.fixture(scope="module")
def house(tmp_path_factory, drawn) -> House:
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(drawn, root, dirs_exist_ok=True)
    house = House(root)
    house.configure()
    return house


@pytest.fixture(scope="module")
def first(house):
    (house.root / "photos" / "rings").mkdir(exist_ok=True)
    (house.root / "photos" / "rings" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    return house.run()


def by_name(result) -> dict:
    return {model.name: model for model in result.models}


def test_two_models_are_pushed_and_the_corrupt_file_is_listed_not_fatal(house, first):
    models = by_name(first)
    assert first.exit_code == 0, [model.reasons for model in first.models]
    assert {name: (model.outcome, model.version) for name, model in models.items()} == {
        "classifier": ("pushed", 1),
        "style": ("pushed", 1),
    }
    assert house.versions("classifier") == house.versions("style") == [1]
    counts = models["classifier"].data["photos"]
    assert counts["rejected"] == 1
    assert counts["seen"] == counts["examples"] + counts["rejected"] + counts["duplicates"] + counts["ignored"]
    for model in models.values():
        assert set(model.metrics) == {"candidate", "champion", "trivial"}
        assert model.metrics["champion"] is None
        assert model.reasons


def test_what_tensorflow_serving_would_load(house, first):
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
        loaded = tf.saved_model.load(str(folder), tags=["serve"])
        taken = {key: set(loaded.signatures[key].structured_input_signature[1]) for key in signatures}
        assert taken == signatures
        manifest = json.loads((serving / name / "manifests" / "1" / "manifest.json").read_text())
        assert manifest["metrics"]["candidate"]


def test_the_tflite_variants_run(house, first):
    for name in ("classifier", "style"):
        folder = house.root / "workspace" / "serving" / name / "manifests" / "1" / "tflite"
        files = sorted(folder.glob("*.tflite"))
        assert files
        for path in files:
            interpreter = Interpreter(str(path))
            interpreter.allocate_tensors()
            for tensor in interpreter.get_input_details():
                interpreter.set_tensor(tensor["index"], np.zeros(tensor["shape"], tensor["dtype"]))
            interpreter.invoke()
            assert np.isfinite(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])).all()


def test_the_contact_sheet_shows_pictures_and_a_matrix(first):
    sheet = np.asarray(Image.open(first.sheet).convert("L"))
    assert sheet.shape[0] > 800
    assert sheet.std() > 20


def test_a_second_run_is_served_from_cache(house, first, monkeypatch):
    seen = {}
    monkeypatch.setattr(dag.Blueprint, "add", _noting(dag.Blueprint.add, seen))
    result = house.run()
    assert {model.outcome for model in result.models} == {"unchanged"}
    assert result.exit_code == 0
    assert house.versions("classifier") == house.versions("style") == [1]
    assert result.sheet is None, "nothing was evaluated"


def _noting(add, seen):
    def noted(self, component, *arguments, **options):
        placed = add(self, component, *arguments, **options)
        seen[placed.id] = placed
        return placed

    return noted


def test_an_emptied_serving_directory_is_refilled_without_training(house, first):
    serving = house.root / "workspace" / "serving"
    shutil.rmtree(serving)
    result = house.run()
    assert result.exit_code == 0
    assert result.seconds < first.seconds / 2
    assert house.versions("classifier") == house.versions("style") == [1]


def test_an_edited_loss_retrains_only_the_style_lane(house, first, monkeypatch):
    original = dag.digest

    def edited(*modules):
        return original(*modules) + ("-edited" if any("style" in module for module in modules) else "")

    monkeypatch.setattr(dag, "digest", edited)
    models = by_name(house.run())
    assert models["classifier"].outcome == "unchanged"
    assert models["style"].outcome in ("pushed", "unchanged", "rejected")
    assert models["style"].metrics, "the style network was evaluated anew"


def test_a_new_class_stops_the_classifier_and_the_style_lane_finishes(house, first):
    rng = np.random.default_rng(0)
    for folder, black in (("spirals", False),):
        target = house.root / "photos" / folder
        target.mkdir()
        for number in range(12):
            pixels = np.zeros((120, 160, 3)) if black else rng.uniform(0, 255, (120, 160, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(target / f"{number}.jpg")
    result = house.run()
    models = by_name(result)
    assert models["classifier"].outcome == "stopped"
    assert "spirals" in " ".join(models["classifier"].reasons)
    assert models["style"].outcome in ("pushed", "unchanged")
    assert result.exit_code == 3
    assert house.versions("classifier") == [1]


def test_black_paintings_stop_the_style_lane(house, first):
    shutil.rmtree(house.root / "photos" / "spirals")
    for path in Path(house.root, "paintings").iterdir():
        side = 64 + len(path.name)
        Image.new("RGB", (side, side)).save(path)
    models = by_name(house.run())
    assert models["style"].outcome == "stopped"
    assert models["classifier"].outcome == "unchanged"
