"""What StyleTrainer runs: from transformed photos and paintings to the Model artifact."""

import functools
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.base import progress
from trainer.base.errors import UserError
from trainer.images import resizing
from trainer.style import options
from trainer.style.export import saved_model
from trainer.style.export.signatures import ServedStyle
from trainer.style.input import pools
from trainer.style.networks import networks
from trainer.style.networks.networks import Networks
from trainer.style.options import StyleOptions, StyleTrainOptions
from trainer.style.perceptual.network import Perceptual
from trainer.style.training import memory, sheets
from trainer.style.training.learner import Learner
from trainer.style.training.start import Start, begin
from trainer.training import champions, devices, precision
from trainer.training.champions import Champion
from trainer.training.curves import Curves

_REPORTS, _SHEETS, _CHECKPOINTS = 200, 12, 24
_APART = 20
"""Steps between sheets and between checkpoints, at least: in a short training they would take most of the time."""
_MEASURED = 4
"""Photos on which it is measured what was forgotten."""
DEMO_NOTE = "The perceptual network has random weights: this model shows that the pipeline works, not how to paint."


def run_fn(fn_args: FnArgs) -> None:
    """Trains the style network and writes the Model artifact: three SavedModels and `model.json`.

    `fn_args.custom_config` has, besides `options` and `seed`, `paintings_files` and `paintings_eval_files` (globs of
    transformed paintings; those of eval are named in the bank but not learned from) and perhaps `resume_dir` and
    `champion` (see `trainer.training.champions`).

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

    start, trained = _started(chosen, champions.read(config.get("champion")), number)
    train = chosen.train.settled(warm=start.warm)
    encode = _encoder(trained.features)
    perceptual = Perceptual(chosen.perceptual.weights, "reflect", number)
    checkpoints = Path(config.get("resume_dir") or fn_args.model_run_dir, "checkpoints")
    _forget_another_start(checkpoints, start)

    photo_pool, painting_pool = _pools(checkpoints, (photos, paintings), train, perceptual, encode, seed)
    if not start.warm:
        trained.head.get_layer("standardise").adapt(painting_pool.style_features)
    # What is learned anew need not stay as it was.
    known = {name: code for name, code in start.codes.items() if name not in paintings.names}
    rehearsed, kept_back = memory.split(list(known.values()))
    then = _copied(trained, chosen) if start.warm else None
    rehearsal = memory.Rehearsal(*then, rehearsed) if then and len(rehearsed) else None
    learner = Learner(trained.transformer, trained.head, perceptual, photo_pool, painting_pool, train, seed, rehearsal)

    sheet = functools.partial(
        sheets.write, transformer=trained.transformer, head=trained.head, photos=photo_pool, paintings=painting_pool
    )
    history = _learn(learner, Path(fn_args.model_run_dir), checkpoints, sheet)
    learner.export_weights()
    # Who serves it may have another processor.
    exact = _copied(trained, chosen)
    unseen = None
    if then:
        others = pools.read(fn_args.eval_files, side, _MEASURED)
        crops = resizing.resize(others.pixels, train.crop, train.crop).numpy() if len(others) > 1 else photo_pool.crops
        unseen = memory.measure((then, exact), kept_back, held_out.pixels, crops[:_MEASURED], encode, perceptual)
    training = {
        "steps": learner.total,
        "seconds": round(time.monotonic() - started, 1),
        "precision": number,
        "history": history,
    }
    bank = {name: code for name, code in known.items() if name not in held_out.names}
    facts = _facts(chosen, start, training, unseen)
    folder, images = Path(fn_args.serving_model_dir), (paintings, held_out)
    _export(folder, chosen, exact, trained.features, encode, images, bank, facts)
    shutil.rmtree(checkpoints, ignore_errors=True)


def _encoder(features: keras.Model) -> pools.Encode:
    """The predictor's fixed part, for paintings of any size."""
    side = networks.STYLE_SIDE
    return tf.function(
        lambda paintings: features(resizing.resize(paintings, side, side, "crop"), training=False),
        input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)],
    )


def _pools(
    checkpoints: Path,
    images: tuple[pools.Images, pools.Images],
    train: StyleTrainOptions,
    perceptual: Perceptual,
    encode: pools.Encode,
    seed: int,
) -> tuple[pools.PhotoPool, pools.PaintingPool]:
    """What is drawn from: of photos and paintings, or what a killed training left of them."""
    photos, paintings = images

    def made_photos() -> pools.PhotoPool:
        rng = np.random.default_rng([seed, 0])
        return pools.photo_pool(photos, train.crop, train.photo_crops, perceptual, encode, rng)

    def made_paintings() -> pools.PaintingPool:
        rng, each = np.random.default_rng([seed, 1]), train.painting_crops
        invented = pools.invent(paintings, photos, train.invented_paintings, rng)
        return pools.painting_pool(paintings, each, perceptual, encode, rng, train.gram_weight > 0, invented)

    return (
        _kept(checkpoints / "photos.npz", pools.PhotoPool, made_photos),
        _kept(checkpoints / "paintings.npz", pools.PaintingPool, made_paintings),
    )


def _started(chosen: StyleOptions, champion: Champion | None, number: str) -> tuple[Start, Networks]:
    """The networks, the predictor's fixed part in float32, with the weights that the training starts from."""
    features = networks.style_features("none")
    with devices.computing_in(number):
        transformer = networks.transformer(chosen.network)
        head = networks.code_head(features.output.shape[-1], chosen.network)
    start = begin(chosen.train.start, champion, Networks(transformer, features, head))
    if not start.warm and chosen.encoder.weights != "none":
        features = networks.style_features(chosen.encoder.weights)
    progress.report(start=start.title, **({"why": start.why} if start.why else {}))
    return start, Networks(transformer, features, head)


def _copied(trained: Networks, chosen: StyleOptions) -> tuple[keras.Model, keras.Model]:
    """Transformer and head as they are now, in float32, whatever they are trained in."""
    transformer = networks.transformer(chosen.network)
    head = networks.code_head(trained.features.output.shape[-1], chosen.network)
    for copy, network in ((transformer, trained.transformer), (head, trained.head)):
        copy.set_weights(network.get_weights())
    return transformer, head


def _forget_another_start(checkpoints: Path, start: Start) -> None:
    """Removes the state of a training that started from another version: its pools were made with another predictor."""
    file = checkpoints / "start.txt"
    if file.is_file() and file.read_text(encoding="utf-8") != start.title:
        shutil.rmtree(checkpoints)
    checkpoints.mkdir(parents=True, exist_ok=True)
    file.write_text(start.title, encoding="utf-8")


def _facts(
    chosen: StyleOptions, start: Start, training: Mapping[str, Any], unseen: memory.Unseen | None
) -> dict[str, Any]:
    """What `model.json` says of the training."""
    weights = {
        "VGG19": Path(chosen.perceptual.weights).name,
        "MobileNetV2": start.title if start.warm else Path(chosen.encoder.weights).name,
    }
    began = {"start": start.title, "warm_start": start.kind == "champion"}
    facts = {"training": {**training, **began, "weights": weights}, "notes": _notes(chosen, start, unseen)}
    if unseen:
        facts["metrics"] = {"forgetting": unseen.forgetting}
        facts["training"]["unseen_paintings"] = unseen._asdict()
    return facts


def _notes(chosen: StyleOptions, start: Start, unseen: memory.Unseen | None) -> list[str]:
    """What whoever reads of the version must know."""
    notes = [DEMO_NOTE] if chosen.perceptual.weights == "none" else []
    if start.warm:
        notes.append(f"Trained from {start.title}.")
    elif start.why:
        notes.append(f"Trained from scratch: {start.why}.")
    if unseen:
        change = f"{abs(unseen.forgetting):.1%} {'farther from' if unseen.forgetting > 0 else 'nearer to'}"
        notes.append(
            f"Pictures are {change} paintings that it knew and was not shown again, in style, than those of "
            f"{start.title} ({unseen.paintings} paintings)."
        )
    return notes


def _kept(path: Path, kind: type[pools.Pool], make: Callable[[], pools.Pool]) -> pools.Pool:
    """The pool that a killed training left, or a new one: it takes minutes where there are many paintings."""
    pool = pools.kept(path, kind)
    if pool is None:
        pool = make()
        pools.keep(path, pool)
    return pool


def _learn(learner: Learner, logs: Path, checkpoints: Path, sheet) -> dict[str, list[float]]:
    """Makes the steps that are left; losses as they were reported, by name."""
    for folder in (logs, checkpoints):
        folder.mkdir(parents=True, exist_ok=True)
    saved = checkpoints / "state.npz"
    curves = Curves(checkpoints / "curves.json")
    writer = tf.summary.create_file_writer(str(logs))
    begin = learner.restore(saved)
    most = max(1, learner.total // _APART)
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
        if _due(done, learner.total, min(_SHEETS, most)):
            path = logs / "sheet.png"
            with writer.as_default(done):
                tf.summary.image("sheet", sheet(path))
            progress.report(step=done, steps=learner.total, sheet=str(path))
        if _due(done, learner.total, min(_CHECKPOINTS, most)):
            learner.save(saved, done)
    writer.close()
    return curves.by_name()


def _due(done: int, total: int, times: int) -> bool:
    """Whether something that happens `times` times in `total` steps happens after step `done`."""
    return done == total or done * times // total > (done - 1) * times // total


def _export(
    serving_model_dir: Path,
    chosen: StyleOptions,
    exact: tuple[keras.Model, keras.Model],
    features: keras.Model,
    encode: pools.Encode,
    paintings: tuple[pools.Images, pools.Images],
    known: Mapping[str, Sequence[float]],
    facts: dict,
) -> None:
    transformer, head = exact
    learned, held_out = paintings
    styles = []
    for group, is_held_out in ((learned, False), (held_out, True)):
        for name, pixels in zip(group.names, group.pixels, strict=True):
            code = head(encode(tf.cast(pixels, tf.float32)[tf.newaxis]), training=False)[0].numpy()
            styles.append({"name": name, "filename": name, "code": code.tolist(), "heldout": is_held_out})
    styles.sort(key=lambda style: style["name"])
    styles += [{"name": name, "filename": "", "code": list(code), "heldout": True} for name, code in known.items()]
    bank = {style["name"]: style["code"] for style in styles}
    folder = serving_model_dir.parent
    saved_model.save_served(ServedStyle(transformer, features, head, bank, chosen.image), str(serving_model_dir))
    saved_model.save_parts(folder / "tflite", transformer, features, head)
    saved_model.write_description(
        folder,
        styles=styles,
        image_size=saved_model.TRANSFORMER_SIDE,
        parameters=transformer.count_params() + features.count_params() + head.count_params(),
        demo=chosen.perceptual.weights == "none",
        **facts,
    )
