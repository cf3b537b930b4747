"""What happens between steps and epochs: progress, best weights that outlive a kill, a stop when the loss is NaN."""

import json
import math
from pathlib import Path
from typing import Any

import keras

from trainer.base import progress
from trainer.base.errors import UserError
from trainer.training.curves import Curves


class Progress(keras.callbacks.Callback):
    """Reports each epoch's loss and accuracy, on the validation part where there is one."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        accuracy = logs.get("val_accuracy", logs["accuracy"])
        loss, accuracy = round(logs["loss"], 4), round(accuracy, 4)
        progress.report(epoch=epoch + 1, epochs=self.params["epochs"], loss=loss, accuracy=accuracy)


class KeepCurves(keras.callbacks.Callback):
    """Adds each epoch's losses and metrics to `curves`, its number from 1 as the step."""

    def __init__(self, curves: Curves):
        super().__init__()
        self._curves = curves

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        self._curves.add(epoch + 1, **logs)


class StopWithoutNumber(keras.callbacks.Callback):
    """Raises UserError naming the step at which the loss stopped being a finite number, and what is left."""

    def __init__(self, phase: str, folder: Path):
        super().__init__()
        self._phase, self._kept = phase, folder / "best.weights.h5"

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        if not math.isfinite(logs["loss"]):
            step = int(self.model.optimizer.iterations)
            raise UserError(
                f"training ({self._phase}): the loss is {logs['loss']} at step {step}; "
                f"lower the learning rate under classifier.train, or set classifier.train.precision to float32"
                + (f"; the weights of the best epoch before are in {self._kept}" if self._kept.exists() else "")
            )


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the best epoch in a folder, stops when none has been better for long, and returns to them.

    Unlike `keras.callbacks.EarlyStopping` it still knows the best epoch after the process was killed and started again.
    They are kept in `folder`, as `best.weights.h5` and `best.json`. Lower is better; after `patience` epochs without
    improvement it stops.
    """

    def __init__(self, folder: Path, monitor: str, patience: int):
        super().__init__()
        self._weights, self._facts = folder / "best.weights.h5", folder / "best.json"
        self._monitor, self._patience = monitor, patience
        self._best: dict[str, Any] = {"value": math.inf, "epoch": -1}

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        if self._facts.exists():
            self._best = json.loads(self._facts.read_text())

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        if logs[self._monitor] < self._best["value"]:
            self._best = {"value": float(logs[self._monitor]), "epoch": epoch}
            self.model.save_weights(self._weights)
            self._facts.write_text(json.dumps(self._best))
        elif epoch - self._best["epoch"] >= self._patience:
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        self.model.load_weights(self._weights)
