"""The style network as it learns: two kinds of steps, averaged weights, a state that can be saved and resumed."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from trainer.base import arrays_file
from trainer.style.input.pools import PaintingPool, PhotoPool
from trainer.style.options import StyleTrainOptions
from trainer.style.perceptual import losses
from trainer.style.perceptual.network import CONTENT_LAYER, Perceptual
from trainer.style.training.disturbance import Disturbance, disturb
from trainer.style.training.memory import Rehearsal
from trainer.style.training.muon import Muon

_WARM_UP = 0.05
_FINAL_RATE = 0.05
_MATRIX_RATIO = 15.0
"""Of Muon; 5 gains a third as much, see docs/style.md."""
_INVENTED_SHARE = 0.33
_STEADY = 2
"""Of the photos of a step, how many are painted disturbed, too."""
_REHEARSED = 2
"""Of the photos of a step, how many are painted like paintings that were known before, too."""


class _Styles(NamedTuple):
    """What the pictures of a step are painted like."""

    features: tf.Tensor
    """Of paintings, float32 [N, F]."""
    others: tf.Tensor
    """Of those that they are mixed with."""
    shares: tf.Tensor
    """How much the first count in the mix, float32 [N, 1]."""
    own: tf.Tensor
    """Of the photo that is painted in its own style, [1, F]."""


class _Known(NamedTuple):
    """What is rehearsed in a step."""

    codes: tf.Tensor
    """Of known paintings, float32 [n, D]."""
    features: tf.Tensor
    """Of photos as if they were paintings, float32 [N, F]: what the predictor makes of them is kept, too."""


class Learner:
    """Networks, optimizer and pools.

    A step is a function of its number: it draws its own crops, so that a resumed training sees what an uninterrupted
    one would have seen.

    Args:
        transformer: of `trainer.style.networks.networks`; trained in place.
        head: likewise.
        perceptual: the network that judges.
        photos: what photos are drawn from.
        paintings: what paintings are drawn from.
        options: weights and rates, `settled`.
        seed: of the drawing.
        rehearsal: what was started from, to be painted like in some pictures of each step.
    """

    def __init__(
        self,
        transformer: keras.Model,
        head: keras.Model,
        perceptual: Perceptual,
        photos: PhotoPool,
        paintings: PaintingPool,
        options: StyleTrainOptions,
        seed: int,
        rehearsal: Rehearsal | None = None,
    ):
        self._transformer, self._head, self._perceptual = transformer, head, perceptual
        self._photos, self._paintings, self._options, self._seed = photos, paintings, options, seed
        self._rehearsal = rehearsal if options.rehearsal_weight else None
        self._variables = [*transformer.trainable_variables, *head.trainable_variables]
        self._average = [tf.Variable(variable.value, trainable=False) for variable in self._variables]
        self._optimizer = Muon(self._rate(), _MATRIX_RATIO, global_clipnorm=1.0)
        self._optimizer.build(self._variables)
        self._by_painting, self._invented = paintings.by_painting, paintings.invented
        self.total = options.reproduction_steps + options.steps

    def step(self, number: int) -> dict[str, float]:
        """Makes step `number` (from 0; the first `reproduction_steps` reproduce photos); its losses by name."""
        rng = np.random.default_rng([self._seed, number])
        own = rng.integers(0, len(self._photos.crops), self._options.batch_size)
        if number < self._options.reproduction_steps:
            found = self._reproduce(tf.constant(self._photos.crops[own]), tf.constant(self._photos.style_features[own]))
        else:
            # One photo is painted in its own style, the others like paintings.
            drawn = rng.integers(0, len(self._photos.crops), self._options.batch_size)
            styles, others = self._draw_styles(rng), self._draw_styles(rng)
            size = self._options.batch_size
            shares = np.where(rng.random(size) < self._options.mixed_share, rng.random(size), 1.0).astype(np.float32)

            def mixed(values: np.ndarray) -> np.ndarray:
                share = shares.reshape(-1, *[1] * (values.ndim - 1))
                return share * values[styles] + (1 - share) * values[others]

            found = self._paint(
                tf.constant(self._photos.crops[np.append(drawn, own[:1])]),
                tf.constant(self._photos.content[drawn]),
                tf.constant(self._photos.weights[drawn]),
                _Styles(
                    tf.constant(self._paintings.style_features[styles]),
                    tf.constant(self._paintings.style_features[others]),
                    tf.constant(shares[:, None]),
                    tf.constant(self._photos.style_features[own[:1]]),
                ),
                {name: tuple(mixed(part) for part in pair) for name, pair in self._paintings.moments.items()},
                {name: mixed(values) for name, values in self._paintings.gram.items()},
                disturb(self._photos.crops[drawn[:_STEADY]], rng) if self._options.stability_weight else None,
                self._known(rng),
            )
        self._update_average(number)
        return {name: float(value) for name, value in found.items()}

    def export_weights(self) -> None:
        """Gives the networks their averaged weights; nothing is learned after this."""
        for variable, average in zip(self._variables, self._average, strict=True):
            variable.assign(average)

    def save(self, path: Path, step: int) -> None:
        """Writes the state after `step` steps, whole or not at all."""
        arrays = {f"v{index}": value.numpy() for index, value in enumerate(self._state())}
        arrays_file.write(path, {"step": step, **arrays})

    def restore(self, path: Path) -> int:
        """Reads a state that `save` wrote for the same networks; how many steps it had made, 0 without a file."""
        if not path.exists():
            return 0
        with np.load(path) as saved:
            for index, variable in enumerate(self._state()):
                variable.assign(saved[f"v{index}"])
            return int(saved["step"])

    @staticmethod
    def read_average(path: Path, transformer: keras.Model, head: keras.Model) -> int:
        """Gives networks the averaged weights of a state that `save` wrote for such ones; how many steps it had made.

        What is not learned, by which the head standardises its features, is in the state, too.

        Raises:
          ValueError: the state is of other networks.
        """
        variables = [*transformer.trainable_variables, *head.trainable_variables]
        with np.load(path) as saved:
            for index, variable in enumerate([*variables, *head.non_trainable_variables], len(variables)):
                variable.assign(saved[f"v{index}"])
            return int(saved["step"])

    def _state(self) -> list:
        return [*self._variables, *self._average, *self._head.non_trainable_variables, *self._optimizer.variables]

    def _rate(self) -> keras.optimizers.schedules.LearningRateSchedule:
        total = self._options.reproduction_steps + self._options.steps
        warm_up = max(1, round(_WARM_UP * total))
        return keras.optimizers.schedules.CosineDecay(
            self._options.learning_rate / 10,
            max(1, total - warm_up),
            alpha=_FINAL_RATE,
            warmup_target=self._options.learning_rate,
            warmup_steps=warm_up,
        )

    def _draw_styles(self, rng: np.random.Generator) -> np.ndarray:
        count, size = len(self._by_painting), self._options.batch_size
        styles = [self._draw_part(i, rng) for i in rng.choice(count, size, replace=size > count)]
        if not len(self._invented):
            return np.array(styles)
        return np.where(rng.random(size) < _INVENTED_SHARE, rng.choice(self._invented, size), styles)

    def _draw_part(self, painting: int, rng: np.random.Generator) -> int:
        # Every other time the whole, which the pool has first: it is what people bring.
        parts = self._by_painting[painting]
        return parts[0] if rng.random() < 0.5 else rng.choice(parts)

    def _update_average(self, number: int) -> None:
        # Shorter at first, as an average over the beginning would keep what was random.
        self._follow(tf.constant(min(self._options.average, (1 + number) / (10 + number)), tf.float32))

    @tf.function
    def _follow(self, decay: tf.Tensor) -> None:
        for average, variable in zip(self._average, self._variables, strict=True):
            average.assign(decay * average + (1 - decay) * variable)

    @tf.function(reduce_retracing=True)
    def _reproduce(self, crops: tf.Tensor, features: tf.Tensor) -> dict[str, tf.Tensor]:
        photos = tf.cast(crops, tf.float32)
        with tf.GradientTape() as tape:
            painted = self._transformer([photos, self._head(features, training=True)], training=True)
            loss = _pixel_difference(painted, photos)
        self._apply(tape, loss)
        return {"loss": loss, "reproduction": loss}

    @tf.function(reduce_retracing=True)
    def _paint(
        self,
        crops: tf.Tensor,
        content: tf.Tensor,
        weights: tf.Tensor,
        styles: _Styles,
        moments: losses.Moments,
        gram: Mapping[str, tf.Tensor],
        disturbed: Disturbance | None,
        known: _Known | None,
    ) -> dict[str, tf.Tensor]:
        options = self._options
        photos = tf.cast(crops, tf.float32)
        size = options.batch_size
        if known is not None:
            count = known.codes.shape[0]
            asked, pictures, codes_then = photos[:count], *self._as_then(photos[:count], known)
        with tf.GradientTape() as tape:
            codes = self._codes(styles)
            contents = photos
            if disturbed is not None:
                contents = tf.concat([photos, disturbed.photos], 0)
                codes = tf.concat([codes, codes[: min(_STEADY, size)]], 0)
            if known is not None:
                contents = tf.concat([contents, asked], 0)
                codes = tf.concat([codes, tf.cast(known.codes, codes.dtype)], 0)
            every = self._transformer([contents, codes], training=True)
            painted = every[:size]
            found = self._perceptual(painted)
            terms = {
                "content": weights * losses.content_distance(found[CONTENT_LAYER], tf.cast(content, tf.float32)),
                "style": losses.style_distance(losses.moments(found), moments),
                "tv": losses.total_variation(painted),
            }
            if options.structure_weight:
                terms["structure"] = losses.structure_distance(painted, photos[:size])
            if options.flat_weight:
                terms["flat"] = losses.flat_detail(painted, photos[:size])
            if gram:
                terms["gram"] = losses.gram_distance({name: losses.gram(found[name]) for name in gram}, gram)
            terms = {name: tf.reduce_mean(values) for name, values in terms.items()}
            terms["reproduction"] = _pixel_difference(every[size : size + 1], photos[size:])
            if disturbed is not None:
                steady = min(_STEADY, size)
                again = every[size + 1 : size + 1 + steady]
                terms["stability"] = _pixel_difference(*disturbed.pairs(every[:steady], again))
            if known is not None:
                drift = tf.reduce_mean(tf.square(self._head(known.features, training=True) - codes_then))
                terms["rehearsal"] = _pixel_difference(every[-count:], pictures) + drift
            loss = tf.add_n([getattr(options, f"{name}_weight") * value for name, value in terms.items()])
        self._apply(tape, loss)
        return {"loss": loss, **terms}

    def _known(self, rng: np.random.Generator) -> _Known | None:
        """What the rehearsal of a step asks for."""
        if self._rehearsal is None:
            return None
        count = min(_REHEARSED, self._options.batch_size)
        drawn = rng.integers(0, len(self._photos.crops), self._options.batch_size)
        codes = self._rehearsal.draw(count, rng)
        return _Known(tf.constant(codes), tf.constant(self._photos.style_features[drawn]))

    def _as_then(self, photos: tf.Tensor, known: _Known) -> tuple[tf.Tensor, tf.Tensor]:
        """The pictures and the codes of the network that was started from."""
        pictures = self._rehearsal.transformer([photos, known.codes], training=False)
        return pictures, self._rehearsal.head(known.features, training=False)

    def _codes(self, styles: _Styles) -> tf.Tensor:
        """Codes of the mixed styles, averaged as whoever mixes paintings does, and of the photo's own; [N + 1, D]."""
        codes = self._head(tf.concat([styles.features, styles.others, styles.own], 0), training=True)
        count = tf.shape(styles.features)[0]
        first, second, own = codes[:count], codes[count:-1], codes[-1:]
        return tf.concat([styles.shares * first + (1 - styles.shares) * second, own], 0)

    def _apply(self, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        gradients = tape.gradient(loss, self._variables)
        # Of a gradient that overflowed nothing can be learned, and clipping it would make every weight NaN.
        usable = tf.math.is_finite(tf.linalg.global_norm(gradients))
        gradients = [tf.where(usable, gradient, tf.zeros_like(gradient)) for gradient in gradients]
        self._optimizer.apply_gradients(zip(gradients, self._variables, strict=True))


def _pixel_difference(painted: tf.Tensor, photos: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference in units of 255, times four so that it weighs like the relative distances."""
    return 4 * tf.reduce_mean(tf.abs(painted - photos)) / 255.0
