"""The phases on the tiny pictures: seeds, kills, a loss that is NaN. The head is trained, because it is quick."""

import dataclasses

import keras
import numpy as np
import pytest

from tests.trainer.classifier.pictures import CLASSES, OPTIONS, SIZE
from trainer.base.errors import UserError
from trainer.classifier.input import reading
from trainer.classifier.networks import network
from trainer.classifier.options import ClassifierOptions
from trainer.classifier.training import phases

CHOSEN = ClassifierOptions.model_validate({**OPTIONS, "train": {"head": {"views": 2, "epochs": 4}, "validation": 0.2}})


@pytest.fixture(scope="module")
def photos(transformed):
    return reading.read([transformed.files], SIZE, 0.2, seed=1)


@pytest.fixture(scope="module")
def built():
    keras.utils.set_random_seed(0)
    return network.build(CHOSEN, len(CLASSES), "none")


@pytest.fixture
def session(photos, tmp_path):
    return phases.Session(CHOSEN.train, photos, len(CLASSES), 7, tmp_path / "checkpoints", tmp_path / "logs")


@pytest.fixture(autouse=True)
def _same_start(built):
    keras.utils.set_random_seed(1)
    built.head.set_weights([np.zeros_like(weights) for weights in built.head.get_weights()])


def test_the_same_seed_trains_the_same_head(session):
    losses, weights = [], []
    for name in ("one", "two"):
        keras.utils.set_random_seed(1)
        fresh = network.build(CHOSEN, len(CLASSES), "none")
        result = phases.train_head(fresh, dataclasses.replace(session, checkpoints=session.checkpoints / name))
        losses.append(result.history["val_loss"])
        weights.append(fresh.head.get_weights()[0])
    np.testing.assert_allclose(*losses, rtol=1e-4)
    np.testing.assert_allclose(*weights, atol=1e-4)


def test_steps_are_counted_and_logits_are_those_of_the_trained_head(built, session):
    result = phases.train_head(built, session)
    assert result.steps == 4 * 5  # 4 epochs of 72 photos in 2 views and batches of 32
    logits, labels = phases.logits(built.model, session)
    assert logits.shape == (18, 3)
    accuracy = (logits.argmax(axis=1) == labels).mean()
    assert accuracy == pytest.approx(result.history["val_accuracy"][-1])


def test_a_killed_phase_goes_on_after_its_last_epoch_and_a_finished_one_is_not_repeated(built, session, monkeypatch):
    class Kill(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(phases, "Progress", Kill)
    with pytest.raises(KeyboardInterrupt):
        phases.train_head(built, session)
    monkeypatch.undo()
    result = phases.train_head(built, session)
    assert (len(result.history["loss"]), result.steps) == (4, 4 * 5)
    weights = built.head.get_weights()
    built.head.set_weights([np.zeros_like(array) for array in weights])
    monkeypatch.setattr(phases, "_fit", None)
    assert phases.train_head(built, session) == result
    np.testing.assert_array_equal(weights[0], built.head.get_weights()[0])


def test_a_loss_that_explodes_names_its_step(built, session):
    head = CHOSEN.train.head.model_copy(update={"learning_rate": 1e38})
    exploding = dataclasses.replace(session, options=CHOSEN.train.model_copy(update={"head": head}))
    with pytest.raises(UserError, match=r"training \(head\): the loss is (nan|inf) at step \d+; lower"):
        phases.train_head(built, exploding)


def test_without_a_validation_part_the_training_part_is_watched(built, session, photos):
    everything = dataclasses.replace(photos, held_out=np.zeros(len(photos.labels), bool))
    result = phases.train_head(built, dataclasses.replace(session, photos=everything))
    assert "val_loss" not in result.history
    logits, labels = phases.logits(built.model, dataclasses.replace(session, photos=everything))
    assert (logits.shape, labels.shape) == ((0, 3), (0,))


def test_classes_weigh_the_same_however_many_photos_they_have():
    labels = np.repeat([0, 1, 3], [60, 30, 10])
    weights = phases.class_weights(labels, 4)
    assert [weights[label] * np.sum(labels == label) for label in (0, 1, 3)] == pytest.approx([100 / 3] * 3)
    assert weights[2] == 0
