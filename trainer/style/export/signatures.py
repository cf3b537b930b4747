"""The served style network: files and codes in, files out (DESIGN section 3)."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from trainer.images import decoding, encoding, resizing
from trainer.networks.served import Network
from trainer.style.networks import networks, statistics
from trainer.style.networks.networks import MULTIPLE, STYLE_SIDE
from trainer.style.options import StyleImageOptions

# Below this strength the photo itself is faded in: the network reproduces a photo well but not exactly, and strength 0
# is to be reached without a jump.
_FADE = 0.25
# Smaller photos are enlarged before they are painted: strokes need room, and mirroring needs pixels.
_SMALLEST_SIDE = 64

_BYTES = tf.TensorSpec([None], tf.string)
_STRENGTH = tf.TensorSpec([None], tf.float32, name="strength")
_PIXELS = tf.TensorSpec([None, None, 3], tf.uint8, name="content_pixels")
_CODE = tf.TensorSpec([None], tf.float32, name="style_code")
_STATISTICS = tf.TensorSpec([2, None], tf.float32, name="statistics")


def _graph(signature: list[tf.TensorSpec]) -> Callable:
    """A graph of a method that has no Python to convert: looking for some takes seconds."""
    return tf.function(input_signature=signature, autograph=False)


def _bytes(name: str) -> tf.TensorSpec:
    return tf.TensorSpec([None], tf.string, name=name)


class ServedStyle(tf.Module):
    """Predictor, transformer and the bank of known paintings, with the signatures that TensorFlow Serving calls.

    For the networks see `trainer.style.networks.networks`; `bank` has the code, float [D], of each painting by name.
    """

    TRANSFORMER, HEAD, FEATURES = "_transformer", "_head", "_features"
    """Where the networks are, for `trainer.networks.served.restore`."""

    def __init__(
        self,
        transformer: keras.Model,
        features: keras.Model,
        head: keras.Model,
        bank: Mapping[str, Sequence[float]],
        options: StyleImageOptions,
    ):
        super().__init__(name="style")
        self._transformer, self._features, self._head = Network(transformer), Network(features), Network(head)
        self._reach, self._channels = networks.reach(transformer), tuple(networks.norm_channels(transformer))
        self._options, self._names = options, list(bank)
        self._code_size = head.output.shape[-1]
        codes = np.array(list(bank.values()), np.float32).reshape(-1, self._code_size)
        self._bank = tf.Variable(codes, trainable=False, name="bank")

    @_graph([_bytes("content_bytes"), _bytes("style_bytes"), _STRENGTH])
    def serve(self, content_bytes: tf.Tensor, style_bytes: tf.Tensor, strength: tf.Tensor) -> dict[str, tf.Tensor]:
        """Files (string [N]) of photos and paintings, strengths float32 [N] in 0..1 -> `stylized_bytes` string [N]."""
        return self._each(
            lambda row: self._mixed(decoding.decode(row[0]), self._code(decoding.decode(row[1])), row[2]),
            (content_bytes, style_bytes, strength),
        )

    @_graph([_bytes("style_bytes")])
    def encode_style(self, style_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Files of paintings (string [N]) -> `style_code` float32 [N, D]."""
        spec = tf.TensorSpec([self._code_size], tf.float32)
        codes = tf.map_fn(lambda data: self._code(decoding.decode(data)), style_bytes, fn_output_signature=spec)
        return {"style_code": codes}

    @_graph([_bytes("content_bytes"), tf.TensorSpec([None, None], tf.float32, name="style_code")])
    def stylize(self, content_bytes: tf.Tensor, style_code: tf.Tensor) -> dict[str, tf.Tensor]:
        """Files of photos (string [N]) and codes float32 [N, D], stored or mixed -> `stylized_bytes` string [N]."""
        size, wanted = tf.shape(style_code)[1], self._code_size
        checks = [
            tf.debugging.Assert(
                size == wanted, [f"style_code: {wanted} numbers are expected for each photo, not", size]
            ),
            tf.debugging.Assert(
                tf.reduce_all(tf.math.is_finite(style_code)), ["style_code: some numbers are not finite"]
            ),
        ]
        with tf.control_dependencies(checks):
            codes = tf.identity(style_code)
        return self._each(
            lambda row: self._paint(self._photo(decoding.decode(row[0])), tf.ensure_shape(row[1], [wanted])),
            (content_bytes, codes),
        )

    @_graph([_bytes("content_bytes"), _bytes("style_name"), _STRENGTH])
    def stylize_named(
        self, content_bytes: tf.Tensor, style_name: tf.Tensor, strength: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Files of photos and names of known paintings (string [N]), strengths [N] -> `stylized_bytes` string [N]."""
        return self._each(
            lambda row: self._mixed(decoding.decode(row[0]), self._known(row[1]), row[2]),
            (content_bytes, style_name, strength),
        )

    @_graph([_PIXELS, _CODE])
    def measure(self, content_pixels: tf.Tensor, style_code: tf.Tensor) -> dict[str, tf.Tensor]:
        """What a photo is normalised with when it is painted in parts.

        Like `paint_part` no signature, as there is nothing to serve: for programs that load the SavedModel.

        Args:
            content_pixels: uint8 [H, W, 3], H and W multiples of `MULTIPLE`, each 32 at least.
            style_code: float32 [D].

        Returns:
            `statistics` float32 [2, S], means and variances of all norms' channels; `reach` int32 scalar, how many
            pixels around a part its picture depends on.
        """
        with statistics.noted() as notes:
            self._transformer([tf.cast(content_pixels, tf.float32)[tf.newaxis], style_code[tf.newaxis]])
        rows = [tf.concat([tf.reshape(note[i], [-1]) for note in notes], 0) for i in (0, 1)]
        return {"statistics": tf.stack(rows), "reach": tf.constant(self._reach)}

    @_graph([_PIXELS, _CODE, _STATISTICS])
    def paint_part(self, content_pixels: tf.Tensor, style_code: tf.Tensor, statistics_of_whole: tf.Tensor) -> tf.Tensor:
        """Paints a part of a photo so that it fits its neighbours.

        Args:
            content_pixels: uint8 [h, w, 3], h and w multiples of `MULTIPLE`; cut out with `reach` pixels to spare at
                each side where the photo goes on, from a corner that is a multiple of `MULTIPLE`.
            style_code: float32 [D].
            statistics_of_whole: float32 [2, S], of `measure`.

        Returns:
            uint8 [h, w, 3].
        """
        means, variances = (tf.split(statistics_of_whole[i], self._channels) for i in (0, 1))
        shape = [1, 1, 1, -1]
        whole = [(tf.reshape(m, shape), tf.reshape(v, shape)) for m, v in zip(means, variances, strict=True)]
        with statistics.given(whole):
            painted = self._transformer([tf.cast(content_pixels, tf.float32)[tf.newaxis], style_code[tf.newaxis]])
        return encoding.to_uint8(painted[0])

    def signatures(self) -> dict[str, tf.types.experimental.GenericFunction]:
        """Signature name -> function, for `tf.saved_model.save`."""
        return {
            "serving_default": self.serve,
            "encode_style": self.encode_style,
            "stylize": self.stylize,
            "stylize_named": self.stylize_named,
        }

    def _each(self, paint: Callable[..., tf.Tensor], rows: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        """One photo at a time: they differ in size, and a batch of painted photos would not fit in memory."""
        write = encoding.encode_png if self._options.format == "png" else encoding.encode_jpeg
        spec = tf.TensorSpec([], tf.string)
        return {"stylized_bytes": tf.map_fn(lambda row: write(paint(row)), rows, fn_output_signature=spec)}

    def _photo(self, image: tf.Tensor) -> tf.Tensor:
        return resizing.bound(image, self._options.max_side)

    # One graph for all signatures: tracing the networks anew in each of them takes most of an export.
    @_graph([tf.TensorSpec([None, None, 3], tf.uint8)])
    def _code(self, image: tf.Tensor) -> tf.Tensor:
        """uint8 [H, W, 3] -> float32 [D]."""
        painting = resizing.resize(tf.cast(image, tf.float32), STYLE_SIDE, STYLE_SIDE, "crop")
        return self._head(self._features(painting[tf.newaxis]))[0]

    def _known(self, name: tf.Tensor) -> tf.Tensor:
        same = tf.constant(self._names) == name
        message = f"; the paintings are: {', '.join(self._names)}"
        with tf.control_dependencies(
            [tf.debugging.Assert(tf.reduce_any(same), ["no painting is called", name, message])]
        ):
            return tf.gather(self._bank, tf.argmax(same))

    def _mixed(self, image: tf.Tensor, code: tf.Tensor, strength: tf.Tensor) -> tf.Tensor:
        """Codes between the photo's own and the painting's: 0 is the photo, 1 the painting's style."""
        allowed = (strength >= 0) & (strength <= 1)
        with tf.control_dependencies([tf.debugging.Assert(allowed, ["strength: not a number in 0..1:", strength])]):
            photo = self._photo(image)

        def between() -> tf.Tensor:
            own = self._code(photo)
            painted = tf.cast(self._paint(photo, own + strength * (code - own)), tf.float32)
            share = tf.minimum(strength / _FADE, 1.0)
            return encoding.to_uint8(share * painted + (1 - share) * tf.cast(photo, tf.float32))

        return tf.case(
            [(strength <= 0, lambda: photo), (strength >= 1, lambda: self._paint(photo, code))], default=between
        )

    @_graph([tf.TensorSpec([None, None, 3], tf.uint8), _CODE])
    def _paint(self, photo: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
        """uint8 [H, W, 3] of any size, code [D] -> uint8 [H, W, 3]."""
        shape = tf.shape(photo)[:2]
        exact = tf.cast(shape, tf.float32)
        scale = tf.maximum(1.0, _SMALLEST_SIDE / tf.reduce_min(exact))
        room = tf.cast(tf.math.ceil(exact * scale / MULTIPLE), tf.int32) * MULTIPLE
        # Up to three pixels more on each side than the photo has: resized rather than padded, which nobody can see.
        fitted = tf.image.resize(tf.cast(photo, tf.float32), room)
        painted = self._transformer([fitted[tf.newaxis], code[tf.newaxis]])[0]
        picture = encoding.to_uint8(tf.image.resize(painted, shape, antialias=True))
        return tf.ensure_shape(picture, [None, None, 3])
