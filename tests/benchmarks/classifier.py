"""What the classifier's training and its int8 variant cost, each against a yardstick in the same run.

    python -m tests.benchmarks.classifier [step] [cache] [int8] [--peer FILE.tflite] [--size 224]

step   a training step of the pipeline (records, augmentation, callbacks) against Keras' bare step on tensors in memory
cache  the frozen phase on features that were computed once, against running the backbone in every epoch
int8   latency of an int8 classifier at two threads against another int8 MobileNetV2, such as the peer in the assets

The network is MobileNetV2 with random weights, which is as fast as a trained one; the photos are noise.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from trainer.classifier.export import signatures
from trainer.classifier.input.reading import Photos
from trainer.classifier.networks import network
from trainer.classifier.options import ClassifierOptions
from trainer.classifier.training import phases
from trainer.classifier.training.run import Probabilities
from trainer.images import encoding
from trainer.tflite.convert import convert

CLASSES, PHOTOS = 6, 192


def noise(size: int) -> Photos:
    """Photos of noise as `records.read` would give them; an eighth is held out."""
    rng = np.random.default_rng(0)
    rows = [
        encoding.serialize(tf.constant(rng.integers(0, 256, (size, size, 3), np.uint8))).numpy() for _ in range(PHOTOS)
    ]
    labels = np.arange(PHOTOS) % CLASSES
    records = tf.data.Dataset.from_tensor_slices((rows, labels.astype(np.int64)))
    return Photos(records, labels, np.arange(PHOTOS) % 8 == 0, size)


def session(options: ClassifierOptions, folder: str) -> phases.Session:
    """What the phases of training need."""
    return phases.Session(
        options.train, noise(options.image_size), CLASSES, 0, Path(folder, "checkpoints"), Path(folder, "logs")
    )


class StepTimes(keras.callbacks.Callback):
    """Seconds from the begin of one batch to the begin of the next, so that waiting for data counts."""

    def __init__(self):
        super().__init__()
        self.begins: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called by Keras."""
        self.begins.append(time.perf_counter())

    def median(self) -> float:
        """Of a step, without the first two, which compile."""
        return median(np.diff(self.begins)[2:])


def step(options: ClassifierOptions, folder: str) -> None:
    """Prints the ratio of the pipeline's step to the bare one; both train the same layers."""
    built, given = network.build(options, CLASSES, "none"), session(options, folder)
    network.unfreeze(built.features, options.train.fine_tune.at)
    size, batch = options.image_size, options.train.batch_size
    pixels = np.random.default_rng(1).uniform(0, 255, (batch, size, size, 3)).astype(np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(batch) % CLASSES]
    tensors = tf.data.Dataset.from_tensors((pixels, targets)).cache().repeat(10)

    def bare() -> float:
        times = StepTimes()
        built.model.compile(keras.optimizers.AdamW(1e-4), keras.losses.CategoricalCrossentropy(from_logits=True))
        built.model.fit(tensors, epochs=1, verbose=0, callbacks=[times])
        return times.median()

    before = bare()
    times = StepTimes()
    original, phases.Progress = phases.Progress, lambda: times  # the one callback that may be exchanged
    try:
        phases.train_images(built, given, "fine_tune", options.train.fine_tune.model_copy(update={"epochs": 3}))
    finally:
        phases.Progress = original
    yardstick = (before + bare()) / 2
    ours = times.median()
    print(f"training step {ours:.3f} s, bare Keras step {yardstick:.3f} s: {ours / yardstick:.2f} x")


def cache(options: ClassifierOptions, folder: str) -> None:
    """Prints how much faster the frozen phase is on features that are computed once, over the same views."""
    built, given = network.build(options, CLASSES, "none"), session(options, folder)
    built.features.trainable = False
    start = time.perf_counter()
    phases.train_head(built, given)
    cached = time.perf_counter() - start
    once = options.train.fine_tune.model_copy(update={"epochs": 1, "average": 0.0})
    start = time.perf_counter()
    phases.train_images(built, given, "uncached", once)
    passes = options.train.head.epochs * options.train.head.views
    uncached = (time.perf_counter() - start) * passes
    print(
        f"frozen phase {cached:.1f} s on cached features; one epoch of images times {passes} is {uncached:.1f} s: "
        f"{uncached / cached:.1f} x"
    )


def int8(options: ClassifierOptions, folder: str, peer: str) -> None:
    """Prints the ratio of the medians of 60 calls in turn."""
    scorer = Probabilities(network.build(options, CLASSES, "none").model, 1.0)
    signatures.save_for_tflite(scorer, options.image_size, folder)
    rng = np.random.default_rng(0)
    shape = (1, options.image_size, options.image_size, 3)
    calibration = [{"image": rng.uniform(0, 255, shape).astype(np.float32)} for _ in range(10)]
    content = convert(Path(folder), "int8", lambda: calibration, images=("image",), quantised=("scores",))
    runners = {"ours": Interpreter(model_content=content, num_threads=2), "peer": Interpreter(peer, num_threads=2)}
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for runner in runners.values():
        runner.allocate_tensors()
        (details,) = runner.get_input_details()
        runner.set_tensor(details["index"], rng.integers(0, 256, details["shape"]).astype(details["dtype"]))
    for _ in range(60):
        for name, runner in runners.items():
            start = time.perf_counter()
            runner.invoke()
            seconds[name].append(time.perf_counter() - start)
    ours, theirs = (1000 * median(seconds[name][5:]) for name in ("ours", "peer"))
    print(f"int8 at {options.image_size}, 2 threads: {ours:.1f} ms, peer {theirs:.1f} ms: {ours / theirs:.2f} x")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="step, cache, int8; all of them when left out")
    parser.add_argument("--peer", help="a TFLite file for int8; left out, int8 is not measured")
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    options = ClassifierOptions.model_validate(
        {"image": {"size": arguments.size}, "train": {"validation": 0.1, "fine_tune": {"at": "block_6_expand"}}}
    )
    for name in arguments.what or ("step", "cache", "int8"):
        with tempfile.TemporaryDirectory() as folder:
            if name == "step":
                step(options, folder)
            elif name == "cache":
                cache(options, folder)
            elif arguments.peer:
                int8(options, folder, arguments.peer)


if __name__ == "__main__":
    main()
