import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.classifier.pictures import OPTIONS, SIZE
from trainer.base.errors import UserError
from trainer.classifier.networks import network, warm_start
from trainer.classifier.options import ClassifierOptions
from trainer.classifier.training.run import Probabilities
from trainer.training import champions

CHOSEN = ClassifierOptions.model_validate(OPTIONS)


class Served(tf.Module):
    """The part of `ServedClassifier` that holds the network, without a Transform graph."""

    def __init__(self, scorer):
        super().__init__()
        self._scorer = scorer


@pytest.fixture(scope="module")
def champion(tmp_path_factory):
    folder = tmp_path_factory.mktemp("champion")
    keras.utils.set_random_seed(1)
    model = network.build(CHOSEN, 3, "none").model
    tf.saved_model.save(Served(Probabilities(model, 1.3)), str(folder / "1"))
    (folder / "champion.json").write_text(
        json.dumps(
            {"saved_model": str(folder / "1"), "labels": ["bars", "dots", "rings"], "title": "c version 1", "codes": {}}
        )
    )
    return model, champions.read(str(folder / "champion.json"))


def test_the_champions_weights_are_taken_over_and_its_classes_by_name(champion):
    model, described = champion
    keras.utils.set_random_seed(2)
    built = warm_start.build(described, CHOSEN, ["rings", "stars", "bars"])
    pixels = np.random.default_rng(0).uniform(0, 255, (2, SIZE, SIZE, 3)).astype("float32")
    old, new = model(pixels).numpy(), built.model(pixels).numpy()
    shift = model.get_layer("head").get_weights()[1].mean()
    np.testing.assert_allclose(new[:, [2, 0]], old[:, [0, 2]] - shift, rtol=1e-4, atol=1e-5)
    assert np.isfinite(new[:, 1]).all()


def test_a_new_class_starts_as_likely_as_an_average_one():
    old = [np.ones((4, 2)), np.array([3.0, 1.0])]
    kernel, bias = warm_start.head_weights(old, ["a", "b"], [np.full((4, 3), 0.5), np.zeros(3)], ["b", "new", "a"])
    np.testing.assert_array_equal(bias, [-1, 0, 1])
    np.testing.assert_array_equal(kernel[0], [1, 0.5, 1])


def test_another_network_is_refused_in_one_line(champion):
    other = ClassifierOptions.model_validate({**OPTIONS, "train": {"head": {"levels": 1}}})
    with pytest.raises(UserError, match=r"another network than small_cnn with 1 levels; set warm_start to false"):
        warm_start.build(champion[1], other, ["bars", "dots"])


def test_without_a_description_there_is_no_champion(tmp_path):
    assert champions.read(None) is None
    assert champions.read(str(tmp_path / "absent.json")) is None
