import numpy as np
import pytest
from scipy import optimize, special

from trainer.classifier.calibration import fit_temperature


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
    logits, labels = drawn(2.0, 300)

    def loss(temperature):
        return -np.log(special.softmax(logits / temperature, axis=1)[np.arange(300), labels]).mean()

    grid = np.linspace(0.5, 5, 500)
    assert loss(fit_temperature(logits, labels)) <= min(map(loss, grid)) + 1e-6
    assert optimize.approx_fprime([fit_temperature(logits, labels)], lambda t: loss(t[0]))[0] == pytest.approx(
        0, abs=1e-4
    )


def test_without_examples_nothing_changes():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, int)) == 1.0
