import json
import re
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from easel_serving.models.saved_model import SavedModel

from tests.trainer.style.conftest import OPTIONS, noise, pixels, png
from trainer.base.errors import UserError
from trainer.style.export import tflite
from trainer.style.training import run
from trainer.tflite.options import StyleTFLiteOptions


@pytest.fixture(scope="module")
def model(fn_args) -> Path:
    """The folder of a Model artifact after three steps."""
    run.run_fn(fn_args)
    return Path(fn_args.serving_model_dir).parent


def test_the_description_has_the_bank_and_says_that_it_is_a_demo(model):
    about = json.loads((model / "model.json").read_text())
    assert [(style["name"], style["heldout"]) for style in about["styles"]] == [
        ("field", False), ("sea", False), ("wood", True),
    ]  # fmt: skip
    assert all(np.isfinite(style["code"]).all() and len(style["code"]) == 8 for style in about["styles"])
    assert about["demo"]
    assert about["notes"]
    assert about["training"]["steps"] == 3
    assert about["training"]["start"] == "scratch"
    assert re.search(r"scratch: shipped version \d+ is another network than style.network", about["notes"][-1])
    assert "metrics" not in about


def test_the_saved_model_has_the_four_signatures(model):
    signatures = tf.saved_model.load(str(model / "Format-Serving")).signatures
    assert set(signatures) == {"serving_default", "encode_style", "stylize", "stylize_named"}
    inputs = {name: set(function.structured_input_signature[1]) for name, function in signatures.items()}
    assert inputs["serving_default"] == {"content_bytes", "style_bytes", "strength"}
    assert inputs["stylize_named"] == {"content_bytes", "style_name", "strength"}
    photo, name, strength = [png(noise(16, 16))], [b"wood"], np.ones(1, np.float32)
    painted = signatures["stylize_named"](
        content_bytes=tf.constant(photo), style_name=tf.constant(name), strength=tf.constant(strength)
    )
    named = {"content_bytes": np.array(photo, object), "style_name": np.array(name, object), "strength": strength}
    in_serving = SavedModel(model / "Format-Serving")("stylize_named", named)
    assert in_serving["stylized_bytes"].tolist() == painted["stylized_bytes"].numpy().tolist()


def test_a_sheet_and_logs_are_left_and_no_checkpoints(model, fn_args):
    assert (Path(fn_args.model_run_dir) / "sheet.png").stat().st_size
    assert list(Path(fn_args.model_run_dir).glob("events.out.tfevents.*"))
    assert not Path(fn_args.custom_config["resume_dir"], "checkpoints").exists()


def test_the_parts_for_tflite_fit_their_samples(model):
    feature = {
        "content_bytes": png(noise(16, 16)), "style_bytes": png(noise(16, 16, 1)), "painting": b"sea",
    }  # fmt: skip
    record = tf.train.Example(
        features=tf.train.Features(
            feature={k: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])) for k, v in feature.items()}
        )
    ).SerializeToString()
    for part in tflite.parts(model, StyleTFLiteOptions()):
        samples = list(part.samples([record, record]))
        assert len(samples) == (1 if part.name == "predictor" else 2)
        run = tf.saved_model.load(str(part.saved_model)).signatures["serving_default"]
        found = {
            name: value.numpy()
            for name, value in run(**{k: tf.constant(v) for k, v in samples[0].inputs.items()}).items()
        }
        assert part.measure(samples[0], found, found) == {"squared_error": 0.0}


def test_a_loss_that_is_not_a_number_stops_with_a_word(tmp_path):
    learner = types.SimpleNamespace(total=3, restore=lambda path: 0, step=lambda number: {"loss": float("nan")})
    with pytest.raises(UserError, match=r"not a number at step 1.*learning_rate"):
        run._learn(learner, tmp_path / "logs", tmp_path / "checkpoints", sheet=None)


def test_a_retraining_starts_from_the_version_that_serves(model, fn_args, tmp_path):
    described = tmp_path / "champion.json"
    champion = {"saved_model": str(model / "Format-Serving"), "labels": [], "title": "style version 3"}
    champion["codes"] = {"sea": [0.5] * 8, "cliff": [1.0] * 4 + [-1.0] * 4, "dune": [-1.0] * 4 + [1.0] * 4}
    described.write_text(json.dumps(champion))

    def retrain(name):
        options = dict(OPTIONS)
        options["train"] = {**OPTIONS["train"], "steps": 1, "learning_rate": 1e-12, "start": "champion"}
        config = fn_args.custom_config | {"options": options, "champion": str(described)}
        config |= {"resume_dir": str(tmp_path / name)}
        changed = {"model_run_dir": str(tmp_path / name), "serving_model_dir": str(tmp_path / name / "Format-Serving")}
        run.run_fn(types.SimpleNamespace(**vars(fn_args) | changed | {"custom_config": config}))
        return tmp_path / name

    again = retrain("again")
    about, before = (json.loads((folder / "model.json").read_text()) for folder in (again, model))
    assert about["training"]["steps"] == 1
    assert about["training"]["warm_start"]
    assert about["training"]["start"] == "style version 3"
    assert "Trained from style version 3." in about["notes"]
    for style, old in zip(about["styles"], before["styles"], strict=False):
        np.testing.assert_allclose(style["code"], old["code"], atol=1e-4)
    # What it knew it goes on knowing, by the same codes; what is learned anew has a new one.
    assert {style["name"]: style["code"] for style in about["styles"][3:]} == {
        name: champion["codes"][name] for name in ("cliff", "dune")
    }
    # A picture is as far from paintings that were not shown again as it was: nothing was learned.
    assert about["metrics"]["forgetting"] == pytest.approx(0, abs=1e-3)
    assert about["training"]["unseen_paintings"]["before"] > 0
    content = {"content_bytes": tf.constant([png(noise(32, 32))]), "style_code": tf.constant([old["code"]], tf.float32)}
    pictures = []
    for folder in (again, model):
        stylize = tf.saved_model.load(str(folder / "Format-Serving")).signatures["stylize"]
        pictures.append(pixels(stylize(**content)["stylized_bytes"].numpy()[0]).astype(int))
    np.testing.assert_allclose(*pictures, atol=2)
