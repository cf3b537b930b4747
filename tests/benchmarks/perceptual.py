"""The light perceptual network beside VGG19, on photos and paintings that it was not fitted to.

    EASEL_ASSETS=FOLDER python -m tests.benchmarks.perceptual [--pairs 500] [--optimised 4] [--side 160]

Kodak's photos are painted like paintings by artists that Easel's networks have not learned from: by the shipped style
network at several strengths, and by colour transfer. Prints JSON: Spearman's rank correlation of the distances of
these pictures from their photos (content) and from their paintings (style), by VGG19 and by the light network; the time
of a forward and backward pass over it in float32 and in what `precision: auto` takes here; and, when a photo's pixels
are optimised for 100 steps of Adam and of L-BFGS, content and style distance of the results, all measured by VGG19.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy import stats

from data.pretraining import arrange
from data.pretraining.cases import Painter, squares
from trainer.style.input import colours
from trainer.style.painting import descent
from trainer.style.painting.pixel_painting import Objective, Weights
from trainer.style.perceptual import losses
from trainer.style.perceptual.network import CONTENT_LAYER, Perceptual
from trainer.style.perceptual.vgg19 import Features
from trainer.training import precision

STRENGTHS = (0.25, 0.5, 0.75, 1.0, 1.25)
STEPS = 100
RECOLOURED = 0.2
"""Of the pictures, how many are the photo in the painting's colours."""
BATCH = 4
WEIGHTS = Weights(content=1.0, style=10.0, tv=1.0)


def outputs(photos: np.ndarray, paintings: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures uint8 [count, S, S, 3], and which photo and which painting each was made of, int [count]."""
    rng = np.random.default_rng(0)
    pairs = rng.permutation(len(photos) * len(paintings))[:count]
    photo, painting = pairs // len(paintings), pairs % len(paintings)
    strengths = rng.choice(np.array(STRENGTHS, np.float32), len(pairs))
    painted = Painter()(photos[photo], paintings[painting], strengths)
    for i in np.flatnonzero(rng.random(len(pairs)) < RECOLOURED):
        painted[i] = colours.transfer(
            tf.constant(photos[photo[i]]), tf.constant(paintings[painting[i]]), tf.constant(1.0)
        )
    return painted, photo, painting


class Judge:
    """Measures pictures of some photos and paintings.

    Args:
        network: whose distances they are.
        photos: uint8 [N, S, S, 3].
        paintings: the same.
    """

    def __init__(self, network: Perceptual, photos: np.ndarray, paintings: np.ndarray):
        self._found = tf.function(
            lambda images: self._parts(network(tf.cast(images, tf.float32))), reduce_retracing=True
        )
        self._content = self._batches(photos)[0]
        self._style = self._batches(paintings)[1]

    def __call__(self, pictures: np.ndarray, photo: np.ndarray, painting: np.ndarray) -> dict[str, np.ndarray]:
        """Content and style distance of each picture from the photo and the painting of these numbers."""
        distances = []
        for i in range(0, len(pictures), BATCH):
            part = slice(i, i + BATCH)
            content, style = self._found(tf.constant(pictures[part]))
            wanted = {name: tuple(values[painting[part]] for values in pair) for name, pair in self._style.items()}
            distances.append(
                (losses.content_distance(content, self._content[photo[part]]), losses.style_distance(style, wanted))
            )
        return {name: np.concatenate([pair[i] for pair in distances]) for i, name in enumerate(("content", "style"))}

    @staticmethod
    def _parts(found: Features) -> tuple[tf.Tensor, losses.Moments]:
        return found[CONTENT_LAYER], losses.moments(found)

    def _batches(self, images: np.ndarray) -> tuple[np.ndarray, losses.Moments]:
        parts = [self._found(tf.constant(images[i : i + BATCH])) for i in range(0, len(images), BATCH)]
        return tf.nest.map_structure(lambda *values: np.concatenate(values), *parts)


def step(network: Perceptual, images: tf.Tensor) -> Callable[[], np.ndarray]:
    """A forward and backward pass, as a training step makes it, whose targets were computed before."""
    content, style = network(images[::-1])[CONTENT_LAYER], losses.moments(network(images[::-1]))

    @tf.function
    def gradient() -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            found = network(images)
            value = losses.content_distance(found[CONTENT_LAYER], content)
            value = tf.reduce_sum(value + 10 * losses.style_distance(losses.moments(found), style))
        return tape.gradient(value, images)

    return lambda: gradient().numpy()


def times(weights: str, images: np.ndarray, dtype: str, repetitions: int = 15) -> dict[str, float]:
    """Milliseconds of `step` for four crops of 160 pixels, the least of several taken in turn, and their ratio."""
    pixels = tf.cast(images[:BATCH, :160, :160], tf.float32)
    steps = {name: step(Perceptual(name, "reflect", dtype), pixels) for name in (weights, "light")}
    taken = {name: [] for name in steps}
    for run in steps.values():
        run()
    for _ in range(repetitions):
        for name, run in steps.items():
            started = time.perf_counter()
            run()
            taken[name].append(1000 * (time.perf_counter() - started))
    vgg, light = (min(taken[name]) for name in (weights, "light"))
    medians = [float(np.median(taken[name])) for name in (weights, "light")]
    return {"vgg19_ms": vgg, "light_ms": light, "ratio": light / vgg, "ratio_of_medians": medians[1] / medians[0]}


def optimise(network: Perceptual, photo: np.ndarray, painting: np.ndarray, method: str) -> np.ndarray:
    """The photo's pixels after 100 steps; uint8 [S, S, 3]."""
    objective = Objective(network, WEIGHTS)
    function = objective.bound(photo.astype(np.float32), objective.target([(painting.astype(np.float32), 1.0)]))
    start = photo.astype(np.float32)
    if method == "lbfgs":
        found = descent.lbfgs(function, start, STEPS, lambda *_: None)
    else:
        found, _ = descent.adam(function, start, STEPS, lambda *_: None, rate=5.0, decay=0.99, average=0.9)
    return np.rint(np.clip(found, 0, 255)).astype(np.uint8)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument(
        "--optimised", type=int, default=4, help="pairs whose pixels are optimised [default: %(default)s]"
    )
    parser.add_argument("--side", type=int, default=160)
    given = parser.parse_args()
    assets = Path(os.environ["EASEL_ASSETS"])
    vgg19 = str(assets / "weights/vgg19_imagenet_notop_hybrid.h5")
    unseen = arrange.listed("unseen_artists.txt")
    paths = [
        path for path in sorted((assets / "pretraining/paintings").glob("*.jpg")) if arrange.artist(path) in unseen
    ]
    paintings = squares(paths, given.side)
    photos = squares(sorted((assets / "photos/kodak").glob("*.png")), given.side)

    own = precision.choose("auto", precision.cpu_flags(), {"CPU"}, dense=True)
    timed = {dtype: times(vgg19, photos, dtype) for dtype in sorted({"float32", own})}
    print(json.dumps({"times": timed}), flush=True)

    names = {"vgg19": vgg19, "light": "light"}
    networks = {name: Perceptual(weights, "reflect") for name, weights in names.items()}
    judges = {name: Judge(network, photos, paintings) for name, network in networks.items()}
    if given.pairs:
        made = outputs(photos, paintings, given.pairs)
        found = {name: judge(*made) for name, judge in judges.items()}
        correlation = {
            kind: float(stats.spearmanr(found["vgg19"][kind], values).statistic)
            for kind, values in found["light"].items()
        }
        print(json.dumps({"pairs": len(made[0]), "spearman": correlation}), flush=True)

    # Photos and paintings that lie far from each other in the list.
    photo, painting = (np.arange(given.optimised) * n % len(of) for n, of in ((5, photos), (7, paintings)))
    for method in ("adam", "lbfgs") if given.optimised else ():
        means = {}
        for name, network in networks.items():
            pictures = [
                optimise(network, photos[p], paintings[q], method) for p, q in zip(photo, painting, strict=True)
            ]
            judged = judges["vgg19"](np.stack(pictures), photo, painting)
            means[name] = {kind: float(values.mean()) for kind, values in judged.items()}
        ratio = {kind: value / means["vgg19"][kind] for kind, value in means["light"].items()}
        print(json.dumps({"optimised": given.optimised, "method": method, **means, "ratio": ratio}), flush=True)


if __name__ == "__main__":
    main()
