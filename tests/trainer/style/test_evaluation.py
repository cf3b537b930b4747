import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from tests.trainer.style.conftest import noise, png
from trainer.evaluation import eval_config
from trainer.style import evaluation
from trainer.style.options import PerceptualOptions
from trainer.style.perceptual import STYLE_LAYERS, Perceptual

PHOTO, PAINTING, PICTURE = (noise(40, 48, seed) for seed in range(3))
CONFIG = eval_config(
    evaluation.metric_configs(PerceptualOptions(weights="none")), evaluation.METRICS, {}, evaluation.SLICES
)


@pytest.fixture(scope="module")
def judge():
    return evaluation.Judge("none")


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


def test_a_smaller_picture_is_measured_beside_the_photo_reduced(judge):
    assert np.isfinite(list(judge.distances(png(PHOTO), png(PAINTING), png(PICTURE[:20, :24])).values())).all()


def test_the_weights_travel_in_the_configuration():
    assert evaluation.perceptual_options(CONFIG) == PerceptualOptions(weights="none")
    metric = evaluation.PerceptualMean(**json.loads(evaluation.metric_configs(PerceptualOptions())[-1].config))
    assert metric.get_config()["perceptual"] == {"weights": "imagenet"}


def test_without_our_metrics_there_are_no_weights():
    with pytest.raises(ValueError, match="metric_configs"):
        evaluation.perceptual_options(tfma.EvalConfig())


@pytest.mark.parametrize("models", [1, 2])
def test_pictures_become_numbers_for_each_model(models, monkeypatch):
    step = evaluation._MeasureFn("none")
    step.setup()
    monkeypatch.setattr(step._judge, "distances", lambda *files: dict.fromkeys(evaluation.METRICS, len(files[2])))
    made = np.array([b"12", b"123"], object)
    extracts = {
        tfma.FEATURES_KEY: {"content_bytes": np.array([[b"a"], [b"b"]]), "style_bytes": np.array([b"c", b"d"])},
        tfma.PREDICTIONS_KEY: made if models == 1 else {"candidate": made, "champion": {"stylized_bytes": made[::-1]}},
    }
    (found,) = step.process(extracts)
    predictions = found[tfma.PREDICTIONS_KEY]
    candidate = predictions if models == 1 else predictions["candidate"]
    np.testing.assert_array_equal(candidate["ssim"], [[2], [3]])
    if models == 2:
        np.testing.assert_array_equal(predictions["champion"]["ssim"], [[3], [2]])
    assert tf.nest.flatten(extracts[tfma.PREDICTIONS_KEY])  # the input is not changed
