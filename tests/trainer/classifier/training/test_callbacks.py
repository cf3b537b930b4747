import json
import logging

import keras
import numpy as np
import pytest

from trainer.base.errors import UserError
from trainer.classifier.training.callbacks import BestWeights, Progress, StopWithoutNumber


def model(weight=0.0):
    built = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    built.compile("sgd", "mse", metrics=["accuracy"])
    built.layers[0].set_weights([np.array([[weight]], "float32")])
    return built


class Losses(keras.callbacks.Callback):
    """Says what the loss was and sets the weight to the epoch's number, so that it shows which epoch was kept."""

    def __init__(self, losses):
        super().__init__()
        self.losses = losses

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.losses[epoch]
        self.model.layers[0].set_weights([np.array([[float(epoch)]], "float32")])


def fit(built, folder, losses, patience, initial_epoch=0):
    callbacks = [Losses(losses), BestWeights(folder, "val_loss", patience)]
    data = np.zeros((2, 1), "float32")
    return built.fit(data, data, epochs=len(losses), initial_epoch=initial_epoch, verbose=0, callbacks=callbacks)


def test_the_best_epoch_is_returned_to_and_patience_ends_the_training(tmp_path):
    built = model()
    history = fit(built, tmp_path, [3.0, 1.0, 2.0, 2.0, 2.0, 2.0], patience=3)
    assert built.layers[0].get_weights()[0].item() == 1.0
    assert len(history.epoch) == 5


def test_a_best_epoch_before_a_kill_is_still_the_best(tmp_path):
    fit(model(), tmp_path, [3.0, 1.0], patience=9)
    built = model()
    fit(built, tmp_path, [3.0, 1.0, 2.0, 1.5], patience=9, initial_epoch=2)
    assert built.layers[0].get_weights()[0].item() == 1.0
    assert json.loads((tmp_path / "best.json").read_text()) == {"value": 1.0, "epoch": 1}


def test_a_loss_that_is_no_number_stops_at_its_step_and_says_what_is_kept(tmp_path):
    data = np.ones((6, 1), "float32")
    data[4] = np.nan
    with pytest.raises(UserError, match=r"\(head\): the loss is nan at step 5"):
        model().fit(data, data, batch_size=1, shuffle=False, verbose=0, callbacks=[StopWithoutNumber("head", tmp_path)])
    fit(model(), tmp_path, [1.0], patience=1)
    with pytest.raises(UserError, match=r"weights of the best epoch before are in .*best.weights.h5"):
        model().fit(data, data, batch_size=1, shuffle=False, verbose=0, callbacks=[StopWithoutNumber("head", tmp_path)])


def test_epochs_are_reported(caplog):
    with caplog.at_level(logging.INFO, "easel.progress"):
        model().fit(np.ones((2, 1)), np.ones((2, 1)), epochs=2, verbose=0, callbacks=[Progress()])
    reports = [record.progress for record in caplog.records if record.name == "easel.progress"]
    assert [(report["epoch"], report["epochs"]) for report in reports] == [(1, 2), (2, 2)]
    assert {"loss", "accuracy"} <= set(reports[0])
