"""What StyleTrainer runs: from transformed photos and paintings to the Model artifact."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.base import progress
from trainer.base.errors import UserError
from trainer.images import resizing
from trainer.networks.served import restore
from trainer.style import options
from trainer.style.export import saved_model
from trainer.style.export.signatures import ServedStyle
from trainer.style.input import pools
from trainer.style.networks import networks
from trainer.style.options import StyleOptions
from trainer.style.perceptual.network import Perceptual
from trainer.style.training import sheets
from trainer.style.training.learner import Learner
from trainer.training import champions, devices, precision
from trainer.training.curves import Curves

_REPORTS, _SHEETS, _CHECKPOINTS = 200, 12, 24
DEMO_NOTE = "The perceptual network has random weights: this model shows that the pipeline works, not how to paint."


def run_fn(fn_args: FnArgs) -> None:
    """Trains the style network and writes the Model artifact: three SavedModels and `model.json`.

    `fn_args.custom_config` has, besides `options` and `seed`, `paintings_files` and `paintings_eval_files` (globs of
    transformed paintings; those of eval are named in the bank but not learned from) and perhaps `resume_dir` and
    `warm_start` (see `trainer.training.champions`).

    Raises:
        UserError: no photos, no paintings, weights that do not fit, another network to start from, a loss of NaN.
    """
    started = time.monotonic()
    config = fn_args.custom_config
    chosen, seed = options.from_config(config), config["seed"]
    number = precision.choose(chosen.train.precision, precision.cpu_flags(), devices.prepare(), dense=True)
    keras.utils.set_random_seed(seed)
    side = chosen.image.train_side
    photos = pools.read(fn_args.train_files, side, chosen.train.photo_crops)
    paintings = pools.read(config["paintings_files"], side)
    held_out = pools.read(config["paintings_eval_files"], side)

    features = networks.style_features(chosen.encoder.weights)
    encode = tf.function(
        lambda paintings: features(
            resizing.resize(paintings, networks.STYLE_SIDE, networks.STYLE_SIDE, "crop"), training=False
        ),
        input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)],
    )
    perceptual = Perceptual(chosen.perceptual.weights, "reflect", number)
    checkpoints = Path(config.get("resume_dir") or fn_args.model_run_dir, "checkpoints")

    def made_photos() -> pools.PhotoPool:
        rng = np.random.default_rng([seed, 0])
        return pools.photo_pool(photos, chosen.train.crop, chosen.train.photo_crops, perceptual, encode, rng)

    def made_paintings() -> pools.PaintingPool:
        rng, each = np.random.default_rng([seed, 1]), chosen.train.painting_crops
        invented = pools.invent(paintings, photos, chosen.train.invented_paintings, rng)
        return pools.painting_pool(paintings, each, perceptual, encode, rng, chosen.train.gram_weight > 0, invented)

    photo_pool = _kept(checkpoints / "photos.npz", pools.PhotoPool, made_photos)
    painting_pool = _kept(checkpoints / "paintings.npz", pools.PaintingPool, made_paintings)
    with devices.computing_in(number):
        transformer = networks.transformer(chosen.network)
        head = networks.code_head(features.output.shape[-1], chosen.network)
    champion = champions.read(config.get("warm_start"))
    if champion:
        _start_from(champion.saved_model, transformer, head)
    else:
        head.get_layer("standardise").adapt(painting_pool.style_features)
    # Who paints already need not learn to reproduce.
    train = chosen.train.model_copy(update={"reproduction_steps": 0}) if champion else chosen.train
    learner = Learner(transformer, head, perceptual, photo_pool, painting_pool, train, seed)

    def sheet(path: Path) -> tf.Tensor:
        return sheets.write(path, transformer, head, photo_pool, painting_pool)

    history = _learn(learner, Path(fn_args.model_run_dir), checkpoints, sheet)
    learner.export_weights()
    facts = {
        "training": {
            "steps": learner.total,
            "seconds": round(time.monotonic() - started, 1),
            "precision": number,
            "warm_start": champion is not None,
            "history": history,
            "weights": {
                "VGG19": Path(chosen.perceptual.weights).name,
                "MobileNetV2": Path(chosen.encoder.weights).name,
            },
        }
    }
    _export(
        Path(fn_args.serving_model_dir), chosen, (transformer, features, head), encode, (paintings, held_out), facts
    )
    shutil.rmtree(checkpoints, ignore_errors=True)


def _kept(path: Path, kind: type[pools.Pool], make: Callable[[], pools.Pool]) -> pools.Pool:
    """The pool that a killed training left, or a new one: it takes minutes where there are many paintings."""
    pool = pools.kept(path, kind)
    if pool is None:
        pool = make()
        pools.keep(path, pool)
    return pool


def _start_from(saved_model: Path, transformer: keras.Model, head: keras.Model) -> None:
    places = ServedStyle.TRANSFORMER, ServedStyle.HEAD
    if not all(restore(saved_model, place, model) for place, model in zip(places, (transformer, head), strict=True)):
        raise UserError(
            f"style.train.warm_start: the version that serves ({saved_model}) is another network than style.network "
            "describes; set warm_start to false for this run"
        )


def _learn(learner: Learner, logs: Path, checkpoints: Path, sheet) -> dict[str, list[float]]:
    """Makes the steps that are left; losses as they were reported, by name."""
    for folder in (logs, checkpoints):
        folder.mkdir(parents=True, exist_ok=True)
    saved = checkpoints / "state.npz"
    curves = Curves(checkpoints / "curves.json")
    writer = tf.summary.create_file_writer(str(logs))
    begin = learner.restore(saved)
    for number in range(begin, learner.total):
        found, done = learner.step(number), number + 1
        if not np.isfinite(found["loss"]):
            raise UserError(
                f"style.train: the loss is not a number at step {done}; lower style.train.learning_rate "
                f"(the last good state is kept in {saved.parent.parent.name})"
            )
        if _due(done, learner.total, _REPORTS):
            progress.report(step=done, steps=learner.total, **{name: round(value, 4) for name, value in found.items()})
            curves.add(done, **{name: round(value, 5) for name, value in found.items()})
            with writer.as_default(done):
                for name, value in found.items():
                    tf.summary.scalar(name, value)
        if _due(done, learner.total, _SHEETS):
            path = logs / "sheet.png"
            with writer.as_default(done):
                tf.summary.image("sheet", sheet(path))
            progress.report(step=done, steps=learner.total, sheet=str(path))
        if _due(done, learner.total, _CHECKPOINTS):
            learner.save(saved, done)
    writer.close()
    return curves.by_name()


def _due(done: int, total: int, times: int) -> bool:
    """Whether something that happens `times` times in `total` steps happens after step `done`."""
    return done == total or done * times // total > (done - 1) * times // total


def _export(
    serving_model_dir: Path,
    chosen: StyleOptions,
    trained: tuple[keras.Model, keras.Model, keras.Model],
    encode: pools.Encode,
    paintings: tuple[pools.Images, pools.Images],
    facts: dict,
) -> None:
    transformer, features, head = trained
    # Served in float32, whatever it was trained in: who serves it may have another processor.
    exact = networks.transformer(chosen.network)
    exact.set_weights(transformer.get_weights())
    exact_head = networks.code_head(features.output.shape[-1], chosen.network)
    exact_head.set_weights(head.get_weights())
    known, held_out = paintings
    styles = []
    for group, is_held_out in ((known, False), (held_out, True)):
        for name, pixels in zip(group.names, group.pixels, strict=True):
            code = exact_head(encode(tf.cast(pixels, tf.float32)[tf.newaxis]), training=False)[0].numpy()
            styles.append({"name": name, "filename": name, "code": code.tolist(), "heldout": is_held_out})
    styles.sort(key=lambda style: style["name"])
    bank = {style["name"]: style["code"] for style in styles}
    folder = serving_model_dir.parent
    saved_model.save_served(ServedStyle(exact, features, exact_head, bank, chosen.image), str(serving_model_dir))
    saved_model.save_parts(folder / "tflite", exact, features, exact_head)
    demo = chosen.perceptual.weights == "none"
    saved_model.write_description(
        folder,
        styles=styles,
        image_size=saved_model.TRANSFORMER_SIDE,
        parameters=exact.count_params() + features.count_params() + exact_head.count_params(),
        demo=demo,
        notes=[DEMO_NOTE] if demo else [],
        **facts,
    )
