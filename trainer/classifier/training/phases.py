"""The phases of training: a head on features that are computed once, and whole images through the network."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.base import progress
from trainer.classifier.input import reading
from trainer.classifier.input.augment import augment
from trainer.classifier.input.mixing import mix
from trainer.classifier.input.reading import Photos
from trainer.classifier.networks.network import Network
from trainer.classifier.options import ClassifierTrainOptions, FineTuneOptions, ScratchOptions
from trainer.classifier.training.callbacks import BestWeights, KeepCurves, Progress, StopWithoutNumber
from trainer.training.curves import Curves

_WARM_UP = 0.1


@dataclass(frozen=True)
class Session:
    """What every phase needs.

    Attributes:
        options: of the training.
        photos: what is learned from.
        classes: K.
        seed: of augmentation and order.
        checkpoints: folder that survives a kill; each phase has its own folder in it.
        logs: folder for TensorBoard.
    """

    options: ClassifierTrainOptions
    photos: Photos
    classes: int
    seed: int
    checkpoints: Path
    logs: Path


@dataclass(frozen=True)
class Result:
    """What a phase did: optimizer steps, and loss and accuracy per epoch, by Keras' names."""

    steps: int
    history: dict[str, list[float]]


@dataclass(frozen=True)
class Features:
    """What the head is trained and validated on: float32 [N, C] and labels int64 [N] of both parts."""

    train: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray
    held_out_labels: np.ndarray


def features(network: Network, session: Session) -> Features:
    """Runs the backbone once over every view of each photo."""
    train, labels = _features(network.features, session, held_out=False, views=session.options.head.views)
    return Features(train, labels, *_features(network.features, session, held_out=True, views=1))


def train_head(network: Network, session: Session, given: Features | None = None) -> Result:
    """Trains `network.head` on features of several views of each photo, which are computed unless they are given."""
    done = _Done(session.checkpoints / "head")
    if done:
        return done.restore(network.head)
    options = session.options
    found = given or features(network, session)
    held_out = (found.held_out, _one_hot(found.held_out_labels, session))
    steps = -(-len(found.labels) // options.batch_size) * options.head.epochs
    schedule = keras.optimizers.schedules.CosineDecay(options.head.learning_rate, steps)
    return _fit(
        network.head,
        session,
        "head",
        optimizer=keras.optimizers.Adam(schedule),
        # A linear layer overfits its confidence long before its accuracy, and calibration mends the former.
        keep_best=False,
        x=found.train,
        y=_one_hot(found.labels, session),
        sample_weight=_weights(session)[found.labels],
        batch_size=options.batch_size,
        validation_data=held_out if len(found.held_out_labels) else None,
        epochs=options.head.epochs,
    )


def train_images(network: Network, session: Session, phase: str, options: ScratchOptions | FineTuneOptions) -> Result:
    """Trains what is trainable in `network.model` on augmented images, with a warmed-up cosine learning rate.

    `phase` is its name, for the checkpoints, the logs and messages.
    """
    done = _Done(session.checkpoints / phase)
    if done:
        return done.restore(network.model)
    data = augmented_batches(session)
    steps = len(data) * options.epochs
    warm_up = max(1, round(_WARM_UP * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=options.learning_rate, warmup_steps=warm_up
    )
    return _fit(
        network.model,
        session,
        phase,
        optimizer=keras.optimizers.AdamW(
            schedule, weight_decay=1e-4, use_ema=options.average > 0, ema_momentum=options.average
        ),
        keep_best=True,
        x=data,
        validation_data=_batches(session, held_out=True) if session.photos.held_out.any() else None,
        epochs=options.epochs,
    )


def logits(model: keras.Model, session: Session) -> tuple[np.ndarray, np.ndarray]:
    """What `model` says about the held-out photos: logits float32 [M, K] and labels int64 [M]."""
    compute = tf.function(lambda images: model(images, training=False), autograph=False)
    found = [compute(images).numpy() for images, _ in _batches(session, held_out=True)]
    empty = np.zeros((0, session.classes), np.float32)
    return np.concatenate([empty, *found]), session.photos.part_labels(held_out=True)


def class_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weights by which every class counts the same in the loss and the average photo counts 1: N / (K * count).

    The labels are int64 [N]; a class without photos gets weight 0.

    Returns:
        float32 [K].
    """
    counts = np.bincount(labels, minlength=classes)
    share = len(labels) / np.count_nonzero(counts) / np.maximum(counts, 1)
    return np.where(counts, share, 0.0).astype(np.float32)


class _Done:
    """A finished phase in its checkpoint folder: a training that was killed in a later one does not repeat it."""

    def __init__(self, folder: Path):
        self._weights, self._facts = folder / "done.weights.h5", folder / "done.json"

    def __bool__(self) -> bool:
        return self._facts.exists()

    def keep(self, model: keras.Model, result: Result) -> Result:
        model.save_weights(self._weights)
        self._facts.write_text(json.dumps(dataclasses.asdict(result)))
        return result

    def restore(self, model: keras.Model) -> Result:
        model.load_weights(self._weights)
        return Result(**json.loads(self._facts.read_text()))


def _fit(model: keras.Model, session: Session, phase: str, optimizer: Any, keep_best: bool, **fit: Any) -> Result:
    options, folder = session.options, session.checkpoints / phase
    best = BestWeights(folder, "val_loss" if fit["validation_data"] else "loss", options.patience)
    folder.mkdir(parents=True, exist_ok=True)
    curves = Curves(folder / "curves.json")
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=options.label_smoothing),
        metrics=["accuracy"],
    )
    parameters = model.fit(
        **fit,
        verbose=0,
        callbacks=[
            StopWithoutNumber(phase, folder),
            # Before the backup, so that no epoch counts as done whose row is missing.
            KeepCurves(curves),
            keras.callbacks.BackupAndRestore(folder / "last"),
            # Between epochs the averaged weights are in place, so that what is validated is what is kept.
            *([keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if optimizer.use_ema else []),
            *([best] if keep_best else []),
            keras.callbacks.TensorBoard(str(session.logs / phase), write_graph=False),
            Progress(),
        ],
    ).params
    found = curves.by_name()
    return _Done(folder).keep(model, Result(found.pop("step")[-1] * parameters["steps"], found))


def _features(backbone: keras.Model, session: Session, held_out: bool, views: int) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 [views * M, C] and labels [views * M] of one part; the first M are the photos as they are."""
    options = session.options

    @tf.function(autograph=False)
    def compute(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        pixels = tf.cast(images, tf.float32)
        rows = [pixels, *(augment(pixels, seed + tf.constant([view, 0]), options.augment) for view in range(1, views))]
        return tf.stack([tf.cast(backbone(row, training=False), tf.float32) for row in rows])

    labels = session.photos.part_labels(held_out)
    batches = session.photos.part(held_out).batch(options.batch_size).prefetch(1)
    found = [np.zeros((views, 0, backbone.output.shape[-1]), np.float32)]
    for index, (images, _) in enumerate(batches):
        found.append(compute(images, tf.constant([session.seed, index * views])).numpy())
        progress.report(photos=sum(rows.shape[1] for rows in found), of=len(labels))
    return np.concatenate(found, axis=1).reshape(-1, backbone.output.shape[-1]), np.tile(labels, views)


def _batches(session: Session, held_out: bool) -> tf.data.Dataset:
    def as_floats(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(images, tf.float32), tf.one_hot(labels, session.classes)

    part = session.photos.part(held_out).batch(session.options.batch_size)
    return part.map(as_floats, tf.data.AUTOTUNE).prefetch(1)


def augmented_batches(session: Session) -> tf.data.Dataset:
    """Batches (float32 [N, S, S, 3], targets [N, K], weights [N]) of the training part, changed at random."""
    options, part = session.options, session.photos.part(held_out=False)
    # A last batch of one or two would give batch normalisation nonsense.
    batches = reading.shuffled(part, session.seed).batch(
        options.batch_size, drop_remainder=len(part) >= options.batch_size
    )
    seeds = tf.data.Dataset.random(session.seed, rerandomize_each_iteration=True).batch(2)

    def change(photos: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        images, labels = photos
        return augment(tf.cast(images, tf.float32), seed, options.augment), tf.one_hot(labels, session.classes), seed

    weights = tf.constant(_weights(session))

    def blend(images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        images, targets = mix(images, targets, seed, options.augment)
        # Keras' `class_weight` takes the weight of the larger part of a mixed target; this is that of both.
        return images, targets, tf.linalg.matvec(targets, weights)

    changed = tf.data.Dataset.zip((batches, seeds)).map(change, tf.data.AUTOTUNE)
    if options.augment.randaugment:
        # Cubuk et al. 2020, arXiv:1909.13719. The layer counts its own draws: one call at a time keeps their order.
        layer = keras.layers.RandAugment(
            (0, 255), options.augment.randaugment, options.augment.randaugment_strength, seed=session.seed
        )
        changed = changed.map(lambda images, targets, seed: (layer(images, training=True), targets, seed))
    return changed.map(blend, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _weights(session: Session) -> np.ndarray:
    """What a photo of each class counts in the loss, float32 [K]."""
    if not session.options.balance:
        return np.ones(session.classes, np.float32)
    return class_weights(session.photos.part_labels(held_out=False), session.classes)


def _one_hot(labels: np.ndarray, session: Session) -> np.ndarray:
    return np.eye(session.classes, dtype=np.float32)[labels]
