"""What a network could paint before it learned more: rehearsed while it learns, and measured afterwards."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from trainer.style.input.pools import Encode
from trainer.style.perceptual import losses
from trainer.style.perceptual.network import Perceptual

_KEPT_BACK = 5
"""Every fifth known painting is not rehearsed: it tells whether the others, unseen, were forgotten too."""
_MOST_PAINTINGS = 12


class Rehearsal(NamedTuple):
    """The network that was started from, as it was then.

    Learning without forgetting (Li & Hoiem 2016, section 3): there are no paintings to show again, but the network's
    own pictures can be asked for, whatever is learned since.
    """

    transformer: keras.Model
    head: keras.Model
    codes: np.ndarray
    """Of known paintings, float32 [K, D]."""

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Codes float32 [count, D] of known paintings, every other one mixed with another."""
        first, second = (self.codes[rng.integers(0, len(self.codes), count)] for _ in range(2))
        shares = np.where(rng.random((count, 1)) < 0.5, 1.0, rng.random((count, 1))).astype(np.float32)
        return shares * first + (1 - shares) * second


class Unseen(NamedTuple):
    """Mean style distance of pictures to paintings that were not learned from, before and after."""

    before: float
    after: float
    paintings: int

    @property
    def forgetting(self) -> float:
        """By which share the distance grew; negative when it shrank."""
        return self.after / self.before - 1


def split(codes: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    """The codes that are rehearsed and those that are kept back, float32 [K, D] and [U, D]; a single one is both."""
    found = np.array(codes, np.float32)
    if len(found) < 2:
        return found, found
    back = np.arange(len(found)) % _KEPT_BACK == 0
    return found[~back], found[back]


def measure(
    networks: Sequence[tuple[keras.Model, keras.Model]],
    codes: np.ndarray,
    paintings: np.ndarray,
    photos: np.ndarray,
    encode: Encode,
    perceptual: Perceptual,
) -> Unseen | None:
    """Paints unseen photos like unseen paintings, with the network that was started from and with what became of it.

    Of a known painting there is only its code: a picture that the first network paints with it stands in for the
    painting, for all photos but its own. It is asked for by its code and, as a painting that somebody brings, by what
    the predictor makes of it. The measure is that of the evaluation: `losses.style_distance`.

    Args:
        networks: (transformer, head) before and after.
        codes: of known paintings that were not rehearsed, float32 [U, D].
        paintings: that were held out, uint8 [M, S, S, 3].
        photos: uint8 [N, s, s, 3].
        encode: what the heads are given of a painting.
        perceptual: what judges.

    Returns:
        None with fewer than two photos, or nothing to paint like.
    """
    if len(photos) < 2 or not len(codes) + len(paintings):
        return None
    (first, _), contents = networks[0], tf.cast(photos, tf.float32)
    distances = [(_distance(transformer, perceptual), head) for transformer, head in networks]
    targets = [(tf.cast(painting, tf.float32)[None], None, contents) for painting in paintings[:_MOST_PAINTINGS]]
    for index, code in enumerate(tf.constant(codes)):
        own = index % len(photos)
        stand_in = first([contents[own : own + 1], code[None]], training=False)
        targets.append((stand_in, code[None], tf.gather(contents, [i for i in range(len(photos)) if i != own])))
    rows = []
    for style, known, others in targets:
        wanted = losses.moments(perceptual(style))
        rows.append([float(distance(others, head(encode(style)), wanted)) for distance, head in distances])
        if known is not None:
            rows.append([float(distance(others, known, wanted)) for distance, _ in distances])
    before, after = np.mean(rows, axis=0)
    return Unseen(float(before), float(after), len(targets))


def _distance(transformer: keras.Model, perceptual: Perceptual) -> Callable[..., tf.Tensor]:
    """The mean style distance of photos float32 [N, s, s, 3], painted with a code [1, D], to a painting's moments."""

    @tf.function(reduce_retracing=True, autograph=False)
    def distance(photos: tf.Tensor, code: tf.Tensor, wanted: losses.Moments) -> tf.Tensor:
        painted = transformer([photos, tf.repeat(code, tf.shape(photos)[0], axis=0)], training=False)
        return tf.reduce_mean(losses.style_distance(losses.moments(perceptual(painted)), wanted))

    return distance
