"""What TFX's Trainer runs for the classifier: from transformed photos to the Model artifact."""

import shutil
import time
from pathlib import Path

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.classifier import options
from trainer.classifier.export import saved_model, signatures
from trainer.classifier.input import reading
from trainer.classifier.networks import network, warm_start
from trainer.classifier.options import ClassifierOptions
from trainer.classifier.training import calibration, phases, sheets
from trainer.networks.served import Network
from trainer.training import champions, devices, precision


class Probabilities(tf.Module):
    """A network's calibrated class probabilities."""

    def __init__(self, model: keras.Model, temperature: float):
        super().__init__(name="probabilities")
        self._model, self._temperature = Network(model), temperature

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Pixels float32 [N, S, S, 3], 0..255 -> float32 [N, K]."""
        return tf.nn.softmax(self._model(images) / self._temperature)


def run_fn(fn_args: FnArgs) -> None:
    """Trains the classifier and writes the Model artifact: both SavedModels and `model.json`.

    Raises:
        UserError: fewer than two classes, weights that do not fit, a loss that is not a number.
    """
    started = time.monotonic()
    chosen, seed = options.from_config(fn_args.custom_config), fn_args.custom_config["seed"]
    values = fn_args.custom_config.get("tuned") or (fn_args.hyperparameters or {}).get("values", {})
    chosen = chosen.model_copy(update={"train": options.tuned(chosen.train, values)})
    number = precision.choose(chosen.train.precision, precision.cpu_flags(), devices.prepare())
    keras.utils.set_random_seed(seed)
    labels = saved_model.class_names(tft.TFTransformOutput(fn_args.transform_graph_path))
    checkpoints = Path(fn_args.custom_config.get("resume_dir") or fn_args.model_run_dir, "checkpoints")
    session = phases.Session(
        options=chosen.train,
        photos=reading.read(fn_args.train_files, chosen.image_size, chosen.train.validation, seed),
        classes=len(labels),
        seed=seed,
        checkpoints=checkpoints,
        logs=Path(fn_args.model_run_dir),
    )
    champion = champions.read(fn_args.custom_config.get("warm_start"))
    with devices.computing_in(number), devices.strategy(chosen.train.strategy).scope():
        if champion:
            trained = warm_start.build(champion, chosen, labels)
        else:
            trained = network.build(chosen, len(labels), chosen.backbone.weights)
        results = train(trained, session, chosen)
    # Served in float32, whatever it was trained in: who serves it may have another processor.
    served = network.build(chosen, len(labels), "none").model
    served.set_weights(trained.model.get_weights())
    temperature = calibration.fit_temperature(*phases.logits(served, session))
    scorer = Probabilities(served, temperature)
    folder = saved_model.write_model(
        fn_args,
        scorer,
        labels,
        chosen.image_size,
        facts={
            "parameters": served.count_params(),
            "training": {
                "steps": sum(result.steps for result in results.values()),
                "seconds": round(time.monotonic() - started, 1),
                "precision": number,
                "temperature": round(temperature, 4),
                "start": champion.title if champion else "scratch",
                "warm_start": champion is not None,
                "tuned": values,
                "history": {phase: result.history for phase, result in results.items()},
                "weights": {chosen.backbone.name: Path(chosen.backbone.weights).name},
            },
        },
    )
    sheets.write(folder / "augmented.png", session.photos.part(held_out=False), phases.augmented_batches(session))
    signatures.save_for_tflite(scorer, chosen.image_size, str(folder / "tflite" / "classifier"))
    shutil.rmtree(checkpoints)


def train(trained: network.Network, session: phases.Session, chosen: ClassifierOptions) -> dict[str, phases.Result]:
    """Makes the phases that `chosen` asks for; each one's result by its name."""
    train = chosen.train
    if chosen.backbone.weights == "none":
        return {"scratch": phases.train_images(trained, session, "scratch", train.scratch)}
    trained.features.trainable = False
    results = {"head": phases.train_head(trained, session)}
    if train.fine_tune.epochs:
        trained.features.trainable = True
        network.unfreeze(trained.features, train.fine_tune.at)
        results["fine_tune"] = phases.train_images(trained, session, "fine_tune", train.fine_tune)
    return results
