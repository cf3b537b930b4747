import numpy as np
import pytest
from scipy import special

from trainer.classifier.training.calibration import fit_temperature


def drawn(temperature, count=4000):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (count, 5))
    probabilities = special.softmax(logits / temperature, axis=1)
    labels = (probabilities.cumsum(axis=1) > rng.uniform(size=(count, 1))).argmax(axis=1)
    return logits, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(temperature):
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.06)


def test_no_temperature_has_a_higher_likelihood():
    logits, labels = drawn(2.0)

    def loss(temperature):
        return -np.log(special.softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels]).mean()

    grid = np.linspace(0.5, 5, 100)
    assert loss(fit_temperature(logits, labels)) <= min(map(loss, grid)) + 1e-5


def test_a_few_right_answers_do_not_make_it_certain():
    labels = np.arange(30) % 3
    logits = 4.0 * np.eye(3)[labels]
    confidence = special.softmax(logits / fit_temperature(logits, labels), axis=1).max()
    assert confidence == pytest.approx(31 / 32, abs=1e-3)


def test_without_examples_nothing_changes():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, int)) == 1.0
