import io
import json
import types

import cv2
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from scipy import stats

from tests.trainer.style.conftest import noise, pixels, png
from trainer.evaluation.evaluator import Evaluation, eval_config
from trainer.evaluation.metrics import outcome_table
from trainer.style.evaluation import evaluator
from trainer.style.evaluation.judge import Judge, colour_distance, flicker
from trainer.style.options import PerceptualOptions
from trainer.style.perceptual.network import STYLE_LAYERS, Perceptual

PHOTO, PAINTING, PICTURE = (noise(40, 48, seed) for seed in range(3))
CONFIG = eval_config(
    evaluator.metric_configs(PerceptualOptions(weights="none")), evaluator.METRICS, {}, evaluator.SLICES
)


@pytest.fixture(scope="module")
def judge():
    return Judge("none")


def test_distances_equal_the_published_definition(judge):
    network = Perceptual("none")

    def features(image):
        return [network(image[None].astype(np.float32))[name][0].numpy().astype(float) for name in STYLE_LAYERS]

    photo, painting, picture = features(PHOTO), features(PAINTING), features(PICTURE)
    style = 0.0
    for y, s in zip(picture, painting, strict=True):
        deviation = np.sqrt(s.var((0, 1)) + 1e-5)
        style += (
            np.mean((y.mean((0, 1)) - s.mean((0, 1))) ** 2) + np.mean((np.sqrt(y.var((0, 1)) + 1e-5) - deviation) ** 2)
        ) / (np.mean(deviation**2) + 1e-5)
    found = judge.distances(png(PHOTO), png(PAINTING), png(PICTURE))
    assert found["content_distance"] == pytest.approx(
        np.mean((picture[3] - photo[3]) ** 2) / np.mean(photo[3] ** 2), rel=1e-3
    )
    assert found["style_distance"] == pytest.approx(style / 4, rel=1e-3)


def test_a_copy_of_the_photo_has_no_content_distance(judge):
    found = judge.distances(png(PHOTO), png(PAINTING), png(PHOTO))
    assert found["content_distance"] == pytest.approx(0, abs=1e-6)
    assert found["ssim"] == pytest.approx(1)


def test_the_photo_itself_is_measured_like_a_picture(judge):
    found = judge.unchanged(png(PHOTO), png(PAINTING))
    assert found == pytest.approx({**judge.distances(png(PHOTO), png(PAINTING), png(PHOTO)), "flicker": 0}, abs=1e-5)


def test_the_trivial_models_are_colour_transfer_and_the_photo_itself():
    rows = {
        "outcomes": {"key": [b"a", b"b"], **{name: [0.5, 0.7] for name in evaluator.METRICS}},
        "unchanged": {"key": [b"a", b"b"], **{name: [0.1, 0.3] for name in evaluator.METRICS}},
    }
    tables = {}
    for name, columns in rows.items():
        file = io.BytesIO()
        np.save(file, outcome_table({key: np.array(values) for key, values in columns.items()}))
        tables[name, "candidate"] = file.getvalue()
    measured = {"candidate": dict.fromkeys(evaluator.METRICS, 0.6), "champion": None, "slices": {}}
    transfer, unchanged = evaluator.trivials(Evaluation(measured, tables))
    assert (transfer.name, transfer.metrics["ssim"], transfer.blind) == ("colour transfer", 0.6, False)
    assert (unchanged.name, unchanged.metrics["ssim"], unchanged.blind) == ("the unchanged photo", 0.2, True)
    np.testing.assert_array_equal(unchanged.outcomes["style_distance"], [0.1, 0.3])
    assert evaluator.slices(Evaluation(measured, tables)) == {}


def test_a_smaller_picture_is_measured_beside_the_photo_reduced(judge):
    assert np.isfinite(list(judge.distances(png(PHOTO), png(PAINTING), png(PICTURE[:20, :24])).values())).all()


def test_colour_distance_is_the_wasserstein_distance_in_lab():
    painting = noise(90, 70, 4) // 2
    labs = [cv2.cvtColor(image, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(float) for image in (PICTURE, painting)]
    expected = np.mean([stats.wasserstein_distance(labs[0][:, i], labs[1][:, i]) for i in range(3)])
    assert colour_distance(PICTURE, painting) == pytest.approx(expected, rel=0.02)
    assert colour_distance(PICTURE, PICTURE[::-1]) == 0


def test_flicker_is_what_does_not_move_with_the_photo():
    photo = noise(80, 90, 6)

    def serve(paint):
        def signature(content_bytes, style_bytes, strength):
            assert style_bytes.shape == strength.shape == content_bytes.shape == (2,)
            return {"stylized_bytes": tf.constant([png(paint(pixels(data))) for data in content_bytes.numpy()])}

        return signature

    assert flicker(serve(lambda crop: 255 - crop), png(photo), png(PAINTING)) == 0
    grid = serve(lambda crop: np.where(np.indices(crop.shape)[1] % 2, crop, 0).astype(np.uint8))
    assert flicker(grid, png(photo), png(PAINTING)) == pytest.approx(photo.mean(), rel=0.03)
    assert np.isfinite(flicker(serve(lambda crop: crop), png(photo[:8, :8]), png(PAINTING)))


def test_the_weights_travel_in_the_configuration():
    assert evaluator.perceptual_options(CONFIG) == PerceptualOptions(weights="none")
    metric = evaluator.PerceptualMean(**json.loads(evaluator.metric_configs(PerceptualOptions())[-1].config))
    assert metric.get_config()["perceptual"] == {"weights": "imagenet"}


def test_without_our_metrics_there_are_no_weights():
    with pytest.raises(ValueError, match="metric_configs"):
        evaluator.perceptual_options(tfma.EvalConfig())


@pytest.mark.parametrize("models", [1, 2])
def test_pictures_become_numbers_for_each_model(models, monkeypatch):
    step = evaluator._MeasureFn("none", {})
    step.setup()
    monkeypatch.setattr(step._judge, "distances", lambda *files: dict.fromkeys(evaluator.METRICS, len(files[2])))
    monkeypatch.setattr(step._judge, "unchanged", lambda *files: dict.fromkeys(evaluator.METRICS, 0.25))
    monkeypatch.setattr(evaluator, "flicker", lambda paint, content, style: paint)
    names = ["candidate", "champion"][:models] if models == 2 else [""]
    step._models = {
        name: types.SimpleNamespace(signatures={"serving_default": value}) for value, name in enumerate(names, 5)
    }
    made = np.array([b"12", b"123"], object)
    extracts = {
        tfma.FEATURES_KEY: {"content_bytes": np.array([[b"a"], [b"b"]]), "style_bytes": np.array([b"c", b"d"])},
        tfma.PREDICTIONS_KEY: made if models == 1 else {"candidate": made, "champion": {"stylized_bytes": made[::-1]}},
    }
    (found,) = step.process(extracts)
    predictions = found[tfma.PREDICTIONS_KEY]
    candidate = predictions if models == 1 else predictions["candidate"]
    np.testing.assert_array_equal(candidate["ssim"], [[2], [3]])
    np.testing.assert_array_equal(candidate["unchanged/ssim"], [[0.25], [0.25]])
    if models == 2:
        np.testing.assert_array_equal(predictions["champion"]["ssim"], [[3], [2]])
        np.testing.assert_array_equal(predictions["champion"]["flicker"], [[6], [6]])
    np.testing.assert_array_equal(candidate["flicker"], [[5], [5]])
    assert tf.nest.flatten(extracts[tfma.PREDICTIONS_KEY])  # the input is not changed
