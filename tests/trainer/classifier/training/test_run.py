"""The whole run_fn on tiny pictures; what it writes is loaded and called as TensorFlow Serving would."""

import json
import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from easel_serving.models.saved_model import SavedModel

from tests.trainer.classifier.pictures import CLASSES, OPTIONS, SIZE, example, jpeg
from trainer.base.errors import UserError
from trainer.classifier.training import baseline, phases, run, tuning
from trainer.networks import backbones


def arguments(transformed, folder, options=OPTIONS):
    return types.SimpleNamespace(
        train_files=[transformed.files],
        transform_graph_path=transformed.graph,
        serving_model_dir=str(folder / "Format-Serving"),
        model_run_dir=str(folder / "run"),
        working_dir=str(folder),
        hyperparameters=None,
        custom_config={"options": options, "seed": 7, "resume_dir": str(folder / "resume")},
    )


def accuracy(folder, rows):
    served = tf.saved_model.load(str(folder / "Format-Serving")).signatures["serving_default"]
    out = served(image_bytes=tf.constant([row["image/encoded"] for row in rows]))
    return np.mean(out["label"].numpy() == [row["image/class/text"] for row in rows])


@pytest.fixture(scope="module")
def trained(transformed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    run.run_fn(arguments(transformed, folder))
    return folder


@pytest.fixture(scope="module")
def colours(transformed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("baseline")
    baseline.run_fn(arguments(transformed, folder))
    return folder


def test_shapes_are_learned_which_colours_do_not_tell(trained, colours, held_back):
    assert accuracy(trained, held_back) >= max(0.8, accuracy(colours, held_back) + 0.1)


@pytest.mark.parametrize("model", ["trained", "colours"])
def test_signatures_are_those_of_the_contract(model, request, held_back):
    loaded = tf.saved_model.load(str(request.getfixturevalue(model) / "Format-Serving"))
    encoded = [row["image/encoded"] for row in held_back[:5]]
    out = loaded.signatures["serving_default"](image_bytes=tf.constant(encoded))
    assert {name: (value.dtype, value.shape) for name, value in out.items()} == {
        "classes": (tf.string, (5, 3)),
        "scores": (tf.float32, (5, 3)),
        "label": (tf.string, (5,)),
    }
    np.testing.assert_allclose(tf.reduce_sum(out["scores"], axis=1), 1, rtol=1e-5)
    best = tf.gather(out["classes"], tf.argmax(out["scores"], axis=1), batch_dims=1)
    np.testing.assert_array_equal(out["label"], best)
    assert set(out["classes"].numpy()[0]) == {name.encode() for name in CLASSES}
    records = [example(**{"image/encoded": data}) for data in encoded]
    classified = loaded.signatures["classify"](inputs=tf.constant(records))
    assert set(classified) == {"classes", "scores"}
    np.testing.assert_allclose(classified["scores"], out["scores"], rtol=1e-5)
    in_serving = SavedModel(request.getfixturevalue(model) / "Format-Serving")
    found = in_serving("serving_default", {"image_bytes": np.array(encoded, object)})
    np.testing.assert_allclose(found["scores"], out["scores"], rtol=1e-4, atol=1e-6)


def test_the_same_bytes_are_the_same_pixels_in_training_and_in_serving(trained, transformed, held_back):
    encoded = tf.constant([row["image/encoded"] for row in held_back[:16]])  # every EXIF orientation, twice
    names = tf.constant([row["image/class/text"] for row in held_back[:16]])
    graph = tft.TFTransformOutput(transformed.graph)
    rows = graph.transform_raw_features({"image/encoded": encoded, "image/class/text": names})["image"]
    in_training = [tf.io.parse_tensor(row, tf.uint8) for row in rows]
    served = tf.saved_model.load(str(trained / "Format-Serving"))
    np.testing.assert_array_equal(served.prepare(encoded), in_training)


def test_a_photo_is_classified_the_same_however_the_camera_was_held(trained, held_back):
    served = tf.saved_model.load(str(trained / "Format-Serving")).signatures["serving_default"]
    image = np.asarray(tf.io.decode_jpeg(held_back[0]["image/encoded"]))  # orientation 1
    turned = jpeg(np.rot90(image), orientation=6)  # stored turned left, to be shown turned right again
    scores = served(image_bytes=tf.constant([jpeg(image), turned]))["scores"]
    np.testing.assert_allclose(scores[0], scores[1], atol=0.02)


def test_a_file_that_is_no_image_is_a_clear_error(trained):
    served = tf.saved_model.load(str(trained / "Format-Serving")).signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown image file format"):
        served(image_bytes=tf.constant([b"no image"]))


def test_the_tflite_part_has_a_fixed_shape_and_the_same_scores(trained, held_back):
    part = tf.saved_model.load(str(trained / "tflite" / "classifier")).signatures["serving_default"]
    served = tf.saved_model.load(str(trained / "Format-Serving"))
    encoded = tf.constant([held_back[4]["image/encoded"]])
    assert part.structured_input_signature[1]["image"].shape == (1, SIZE, SIZE, 3)
    scores = part(image=tf.cast(served.prepare(encoded), tf.float32))["scores"]
    np.testing.assert_allclose(scores, served.signatures["serving_default"](image_bytes=encoded)["scores"], rtol=1e-4)


def test_the_card_says_what_was_done(trained, colours):
    about = json.loads((trained / "model.json").read_text())
    assert (about["kind"], sorted(about["labels"]), about["image_size"]) == ("classifier", sorted(CLASSES), SIZE)
    assert about["training"]["precision"] in ("float32", "bfloat16", "float16")
    assert len(about["training"]["history"]["scratch"]["loss"]) <= 12
    assert about["training"]["temperature"] > 0
    assert about["parameters"] > 100_000
    assert json.loads((colours / "model.json").read_text())["labels"] == about["labels"]
    assert list((trained / "run").rglob("events.out.tfevents*"))
    assert not list((trained / "resume").iterdir())


def test_a_search_on_cached_features_and_the_training_of_head_and_upper_layers_that_takes_what_it_found(
    transformed, tmp_path, monkeypatch
):
    pretrained = str(tmp_path / "small.weights.h5")
    backbones.build("small_cnn", "none", SIZE).save_weights(pretrained)
    train = {**OPTIONS["train"], "head": {"views": 2, "epochs": 3, "learning_rate": 1e-2}, "fine_tune": {"epochs": 0}}
    options = {**OPTIONS, "backbone": {"name": "small_cnn", "weights": pretrained}, "train": train}
    given = arguments(transformed, tmp_path, options)
    space = {"head.learning_rate": {"values": [1e-6, 1e-2]}, "dropout": {"low": 0.0, "high": 0.4}}
    given.custom_config["tuner"] = {"minutes": 5, "trials": 3, "space": space}
    passes = []
    computed = phases.features
    monkeypatch.setattr(phases, "features", lambda *args: passes.append(1) or computed(*args))
    tuner = tuning.tuner_fn(given).tuner
    tuner.search()
    assert (len(tuner.oracle.trials), len(passes)) == (3, 1)
    trials = list(tuner.oracle.trials.values())
    assert trials[0].hyperparameters.values == {"head.learning_rate": 1e-2, "dropout": 0.3}
    assert len({trial.score for trial in trials}) > 1
    best = tuner.get_best_hyperparameters()[0].get_config()
    assert best["values"] == min(trials, key=lambda trial: trial.score).hyperparameters.values
    given.hyperparameters = best
    fine_tune = {"epochs": 1, "at": "stage3_conv"}
    given.custom_config["options"] = {**options, "train": {**train, "fine_tune": fine_tune}}
    run.run_fn(given)
    about = json.loads((tmp_path / "model.json").read_text())
    assert about["training"]["tuned"] == best["values"]
    assert (tmp_path / "augmented.png").stat().st_size > 1000
    assert list(about["training"]["history"]) == ["head", "fine_tune"]
    # 72 photos in 2 views and batches of 16, 3 epochs; then 4 whole batches, 1 epoch.
    assert about["training"]["steps"] == 9 * 3 + 4

    given.custom_config["options"] = options
    given.custom_config["tuner"] |= {"minutes": 1e-6}
    with pytest.raises(UserError, match=r"tuner.minutes: one trial takes .* minutes, more than the 1e-06 there are"):
        tuning.tuner_fn(given).tuner.search()


def test_one_class_is_refused(transformed, tmp_path, monkeypatch):
    monkeypatch.setattr(tft.TFTransformOutput, "vocabulary_by_name", lambda *_: [b"cat"])
    with pytest.raises(UserError, match=r"only one class \(cat\)"):
        run.run_fn(arguments(transformed, tmp_path))
