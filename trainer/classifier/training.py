"""What TFX's Trainer runs for the classifier: from transformed photos to the Model artifact."""

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer import devices, precision
from trainer.classifier import calibration, network, options, phases, records, signatures
from trainer.classifier.options import ClassifierOptions
from trainer.classifier.preprocessing import VOCABULARY
from trainer.errors import UserError


class Probabilities(tf.Module):
    """A network's calibrated class probabilities."""

    def __init__(self, model: keras.Model, temperature: float):
        super().__init__(name="probabilities")
        self._model, self._temperature = model, temperature

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Pixels float32 [N, S, S, 3], 0..255 -> float32 [N, K]."""
        return tf.nn.softmax(self._model(images, training=False) / self._temperature)


def run_fn(fn_args: FnArgs) -> None:
    """Trains the classifier and writes the Model artifact: both SavedModels and `model.json`.

    Raises:
      UserError: fewer than two classes, weights that do not fit, a loss that is not a number.
    """
    started = time.monotonic()
    chosen, seed = options.from_config(fn_args.custom_config), fn_args.custom_config["seed"]
    number = precision.choose(chosen.train.precision, precision.cpu_flags(), devices.prepare())
    keras.utils.set_random_seed(seed)
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    labels = class_names(transform)
    checkpoints = Path(fn_args.custom_config.get("resume_dir") or fn_args.model_run_dir, "checkpoints")
    session = phases.Session(
        options=chosen.train,
        photos=records.read(fn_args.train_files, chosen.image_size, chosen.train.validation, seed),
        classes=len(labels),
        seed=seed,
        checkpoints=checkpoints,
        logs=Path(fn_args.model_run_dir),
    )
    with devices.computing_in(number):
        trained = network.build(chosen, len(labels), chosen.backbone.weights)
        results = _train(trained, session, chosen)
    # Served in float32, whatever it was trained in: who serves it may have another processor.
    served = network.build(chosen, len(labels), "none").model
    served.set_weights(trained.model.get_weights())
    temperature = calibration.fit_temperature(*phases.logits(served, session))
    export(
        fn_args,
        Probabilities(served, temperature),
        labels,
        chosen.image_size,
        facts={
            "parameters": served.count_params(),
            "training": {
                "steps": sum(result.steps for result in results.values()),
                "seconds": round(time.monotonic() - started, 1),
                "precision": number,
                "temperature": round(temperature, 4),
                "history": {phase: result.history for phase, result in results.items()},
                "weights": {chosen.backbone.name: Path(chosen.backbone.weights).name},
            },
        },
    )
    shutil.rmtree(checkpoints)


def class_names(transform: tft.TFTransformOutput) -> list[str]:
    """The classes in the order of the labels.

    Raises:
      UserError: there are fewer than two.
    """
    labels = [name.decode() for name in transform.vocabulary_by_name(VOCABULARY)]
    if len(labels) < 2:
        raise UserError(
            f"classifier.photos: only one class ({', '.join(labels)}); put the photos of each class in a folder"
        )
    return labels


def export(
    fn_args: FnArgs, scorer: signatures.Scorer, labels: Sequence[str], image_size: int, facts: dict[str, Any]
) -> None:
    """Writes the Model artifact around `fn_args.serving_model_dir`; `facts` go into `model.json`."""
    served = signatures.ServedClassifier(
        scorer, labels, tft.TFTransformOutput(fn_args.transform_graph_path), image_size
    )
    signatures.save_served(served, fn_args.serving_model_dir)
    folder = Path(fn_args.serving_model_dir).parent
    signatures.save_for_tflite(scorer, image_size, str(folder / "tflite" / "classifier"))
    about = {
        "kind": "classifier",
        "labels": list(labels),
        "image_size": image_size,
        "demo": False,
        "notes": [],
        **facts,
    }
    (folder / "model.json").write_text(json.dumps(about, indent=1))


def _train(trained: network.Network, session: phases.Session, chosen: ClassifierOptions) -> dict[str, phases.Result]:
    train = chosen.train
    if chosen.backbone.weights == "none":
        return {
            "scratch": phases.train_images(
                trained, session, "scratch", train.scratch.epochs, train.scratch.learning_rate
            )
        }
    trained.features.trainable = False
    results = {"head": phases.train_head(trained, session)}
    if train.fine_tune.epochs:
        trained.features.trainable = True
        network.unfreeze(trained.features, train.fine_tune.at)
        results["fine_tune"] = phases.train_images(
            trained, session, "fine_tune", train.fine_tune.epochs, train.fine_tune.learning_rate
        )
    return results
