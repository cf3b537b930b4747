"""Style transfer by optimising a picture's pixels (Gatys et al. 2016): slow, and what feed-forward networks aim at.

Coarse to fine, with replicate padding, averaged iterates and Adam's state carried from scale to scale, after
Katherine Crowson's style-transfer-pytorch; masks as guidance of the Gram matrices (Gatys et al. 2017, section 4).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from trainer.images import encoding
from trainer.style.options import PaintOptions
from trainer.style.painting import descent
from trainer.style.perceptual import losses
from trainer.style.perceptual.network import CONTENT_LAYER, STYLE_LAYERS, Perceptual

_SHORTEST = 16
"""VGG19's block4_conv1 needs this many pixels on each side to have any position at all."""


@dataclass(frozen=True)
class Weights:
    """Of the terms of the objective, all relative distances (`trainer.style.perceptual.losses`)."""

    content: float = 1.0
    style: float = 0.0
    """Of channel means and deviations."""
    gram: float = 0.0
    """Of Gram matrices, averaged over the positions that the mask leaves."""
    tv: float = 0.0


@dataclass(frozen=True)
class Target:
    """What a picture is to be like in style: each layer's moments and Gram matrix."""

    moments: losses.Moments
    gram: Mapping[str, tf.Tensor]


@dataclass(frozen=True)
class Iterate:
    """A picture that is not finished."""

    scale: int
    scales: int
    step: int
    steps: int
    loss: float
    picture: np.ndarray
    """float32 [H, W, 3], 0..255."""

    @property
    def share(self) -> float:
        """Of the whole work that is done, 0 to 1: each scale has twice the pixels of the one before."""
        before = 2 ** (self.scale - 1) - 1
        return (before + (before + 1) * self.step / self.steps) / (2**self.scales - 1)


class Objective:
    """The weighted sum of the terms, and its gradient with respect to the pixels."""

    def __init__(self, perceptual: Perceptual, weights: Weights):
        self._perceptual, self._weights = perceptual, weights

    def target(self, paintings: Sequence[tuple[np.ndarray, float]]) -> Target:
        """Statistics of paintings (float32 [H, W, 3] and a weight each), averaged by their weights."""
        total = sum(weight for _, weight in paintings)
        found = [(self._statistics(painting[np.newaxis]), weight / total) for painting, weight in paintings]
        return Target(
            moments={
                name: tuple(sum(share * moments[name][i] for (moments, _), share in found) for i in (0, 1))
                for name in STYLE_LAYERS
            },
            gram={name: sum(share * grams[name] for (_, grams), share in found) for name in STYLE_LAYERS},
        )

    def bound(self, photo: np.ndarray, target: Target, mask: np.ndarray | None = None) -> descent.Function:
        """The objective of pictures of a photo.

        Args:
            photo: float32 [H, W, 3].
            target: from `target`.
            mask: float32 [H, W], 0..1; where it is 0 the picture is the photo.

        Returns:
            pixels float32 [H, W, 3] -> (value, gradient).
        """
        base = tf.constant(photo[np.newaxis])
        where = tf.ones_like(base[..., :1]) if mask is None else tf.constant(mask[np.newaxis, ..., np.newaxis])
        content = self._perceptual(base, [CONTENT_LAYER])[CONTENT_LAYER]

        def function(pixels: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = self._evaluate(
                tf.constant(pixels[np.newaxis]), base, where, content, target.moments, target.gram
            )
            return float(value), gradient[0].numpy()

        return function

    @tf.function(reduce_retracing=True)
    def _evaluate(
        self,
        pixels: tf.Tensor,
        photo: tf.Tensor,
        mask: tf.Tensor,
        content: tf.Tensor,
        moments: losses.Moments,
        grams: Mapping[str, tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        weights = self._weights
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            picture = photo + mask * (pixels - photo)
            found = self._perceptual(picture)
            loss = weights.content * losses.content_distance(found[CONTENT_LAYER], content)
            if weights.style:
                loss += weights.style * losses.style_distance(losses.moments(found), moments)
            if weights.gram:
                own = {name: losses.guided_gram(found[name], mask) for name in grams}
                loss += weights.gram * losses.gram_distance(own, grams)
            loss = tf.reduce_sum(loss + weights.tv * losses.total_variation(picture))
        return loss, tape.gradient(loss, pixels)

    @tf.function(reduce_retracing=True)
    def _statistics(self, painting: tf.Tensor) -> tuple[losses.Moments, Mapping[str, tf.Tensor]]:
        found = self._perceptual(painting)
        return losses.moments(found), {name: losses.gram(values) for name, values in found.items()}


def paint(
    photo: np.ndarray,
    paintings: Sequence[tuple[np.ndarray, float]],
    perceptual: Perceptual,
    options: PaintOptions,
    mask: np.ndarray | None = None,
    watch: Callable[[Iterate], None] = lambda iterate: None,
) -> np.ndarray:
    """Paints a photo in the manner of paintings.

    Args:
        photo: uint8 [H, W, 3].
        paintings: uint8 [h, w, 3] and a weight each; their Gram matrices are averaged.
        perceptual: VGG19.
        options: sizes, weights, method.
        mask: uint8 [H, W], 255 where it is painted.
        watch: told after each step.

    Returns:
        uint8, of the photo's proportions, its longest side `options.side`.
    """
    objective = Objective(
        perceptual, Weights(content=options.content_weight, gram=options.gram_weight, tv=options.tv_weight)
    )
    sides = scales(options.smallest_side, options.side)
    pixels, moments = None, None
    for number, side in enumerate(sides, 1):
        height, width = _shape(photo.shape[:2], side)
        area = height * width * options.brush**2
        target = objective.target(
            [(_resized(painting, *_of_area(painting.shape[:2], area)), weight) for painting, weight in paintings]
        )
        where = None if mask is None else _resized(mask[..., np.newaxis], height, width)[..., 0] / descent.LEVELS
        base = _resized(photo, height, width)
        function = objective.bound(base, target, where)
        start = base if pixels is None else _resized(pixels, height, width)

        def step(done: int, loss: float, picture: np.ndarray, number: int = number) -> None:
            watch(Iterate(number, len(sides), done, options.steps_per_scale, loss, picture))

        if options.method == "lbfgs":
            pixels = descent.lbfgs(function, start, options.steps_per_scale, step)
        else:
            if moments is not None:
                mean, square = (_resized(part, height, width) for part in (moments.mean, moments.square))
                moments = descent.Moments(mean, np.maximum(square, 0), moments.steps)
            pixels, moments = descent.adam(
                function,
                start,
                options.steps_per_scale,
                step,
                rate=options.learning_rate,
                decay=options.decay,
                average=options.average,
                moments=moments,
            )
        if where is not None:
            pixels = base + where[..., np.newaxis] * (pixels - base)
    wanted = _shape(photo.shape[:2], options.side, 1)
    return encoding.to_uint8(tf.constant(_resized(pixels, *wanted))).numpy()


def scales(smallest: int, largest: int) -> list[int]:
    """Longest sides in pixels, rising by the square root of 2 to `largest`; only `largest` may be below `smallest`."""
    count = max(0, math.floor(2 * math.log2(largest / smallest) + 1e-9))
    return [round(largest / 2 ** (step / 2)) for step in range(count, -1, -1)]


def _shape(shape: tuple[int, int], side: int, shortest: int = _SHORTEST) -> tuple[int, int]:
    height, width = (max(shortest, round(size * side / max(shape))) for size in shape)
    return height, width


def _of_area(shape: tuple[int, int], area: float) -> tuple[int, int]:
    height, width = (max(_SHORTEST, round(size * math.sqrt(area / math.prod(shape)))) for size in shape)
    return height, width


def _resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Any [h, w, C] -> float32 [height, width, C]; enlarged smoothly, reduced with antialiasing."""
    if image.shape[:2] == (height, width):
        return image.astype(np.float32)
    return tf.image.resize(tf.cast(image, tf.float32), [height, width], "bicubic", antialias=True).numpy()
