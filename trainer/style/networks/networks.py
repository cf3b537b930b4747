"""The style network: a predictor (painting -> style code) and a transformer (photo + code -> picture).

Style is injected by conditional instance normalisation (Dumoulin et al. 2017, section 2.2) whose scales and shifts are
linear in a code predicted from the painting (Ghiasi et al. 2017, section 3).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from trainer.networks import backbones
from trainer.style.networks import statistics
from trainer.style.options import NetworkOptions

STYLE_SIDE = 256
"""Side in pixels of the painting that the predictor takes."""
MULTIPLE = 4
"""The transformer's height and width are multiples of this."""
PADDING = 8
"""The transformer mirrors this many pixels at each border of the photo and cuts them off its picture: further than the
zeros reach that the last three convolutions pad with. The others mirror, each for itself: zeros at a quarter of the
resolution would travel inwards in every block, and show as a frame."""

_DEPTHS = ("Conv1_relu", "block_3_expand_relu", "block_6_expand_relu", "block_10_expand_relu")
_LIMIT = 5.0
_EPSILON = 1e-5
_NORM_EPSILON = 1e-3
"""Of the instance norm. A uniform photo's features do not vary at all, and each of eleven norms multiplies gradients by
up to the inverse root of this: 1e-5 made them overflow."""


class Networks(NamedTuple):
    """A style network: `transformer`, and the predictor's `style_features` and `code_head`."""

    transformer: keras.Model
    features: keras.Model
    head: keras.Model


@keras.saving.register_keras_serializable("easel")
class ConditionalInstanceNorm(layers.Layer):
    """Each channel of each image to mean 0 and deviation 1, then scaled and shifted by linear functions of the code."""

    def build(self, input_shape: Sequence[Sequence[int | None]]) -> None:
        """Shapes of the features [N, h, w, C] and the code [N, D]."""
        self.channels = channels = input_shape[0][-1]
        self._scale = layers.Dense(channels, bias_initializer="ones", kernel_initializer=_small(), name="scale")
        self._shift = layers.Dense(channels, kernel_initializer=_small(), name="shift")
        self._scale.build(input_shape[1])
        self._shift.build(input_shape[1])
        super().build(input_shape)

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """(features [N, h, w, C], code [N, D]) -> [N, h, w, C]."""
        features, code = inputs
        # Statistics in float32: in half precision the mean of squares over a picture loses what the deviation needs.
        exact = ops.cast(features, "float32")
        mean, variance = statistics.moments(exact)
        scale = ops.cast(self._scale(code), "float32")[:, None, None] * ops.rsqrt(variance + _NORM_EPSILON)
        shift = ops.cast(self._shift(code), "float32")[:, None, None]
        return ops.cast((exact - mean) * scale + shift, features.dtype)


@keras.saving.register_keras_serializable("easel")
class ConditionalScale(layers.Layer):
    """Each channel scaled and shifted by linear functions of the code, as ConditionalInstanceNorm does, unnormalised.

    It begins as the identity. Where few channels are left, normalising them would take the photo's light away.
    """

    def build(self, input_shape: Sequence[Sequence[int | None]]) -> None:
        """Shapes of the features [N, h, w, C] and the code [N, D]."""
        channels = input_shape[0][-1]
        self._scale = layers.Dense(channels, bias_initializer="ones", kernel_initializer="zeros", name="scale")
        self._shift = layers.Dense(channels, kernel_initializer="zeros", name="shift")
        self._scale.build(input_shape[1])
        self._shift.build(input_shape[1])
        super().build(input_shape)

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """(features [N, h, w, C], code [N, D]) -> [N, h, w, C]."""
        features, code = inputs
        scale, shift = (ops.cast(each(code), features.dtype)[:, None, None] for each in (self._scale, self._shift))
        return features * scale + shift


@keras.saving.register_keras_serializable("easel")
class MirrorPadding(layers.Layer):
    """Mirrors `width` pixels at each border, as NumPy's `reflect` does.

    With slices and concatenations, which TFLite's XNNPACK computes: MIRROR_PAD would take the picture out of it and
    back at each of a dozen convolutions, for more than half of the time.
    """

    def __init__(self, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self._width = width

    def get_config(self) -> dict[str, Any]:
        """What makes the same layer again."""
        return {**super().get_config(), "width": self._width}

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """[N, H, W, C] -> [N, H + 2 width, W + 2 width, C]."""
        for axis in (1, 2):
            before = [_line(images, axis, i, i + 1) for i in range(self._width, 0, -1)]
            after = [_line(images, axis, -i, 1 - i) for i in range(2, self._width + 2)]
            images = ops.concatenate([*before, images, *after], axis)
        return images


@keras.saving.register_keras_serializable("easel")
class Standardise(layers.Layer):
    """Features [N, F] minus their mean, over their deviation, within -5..5: unusual paintings stay within reach."""

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Shape of the features [N, F]."""
        self._mean = self.add_weight(shape=input_shape[1:], initializer="zeros", trainable=False, name="mean")
        self._factor = self.add_weight(shape=input_shape[1:], initializer="ones", trainable=False, name="factor")
        super().build(input_shape)

    def adapt(self, features: np.ndarray) -> None:
        """Takes mean and deviation from features [M, F]; what hardly varies is not blown up."""
        deviation = features.std(0)
        self._mean.assign(features.mean(0))
        self._factor.assign(1 / (deviation + 0.05 * deviation.mean() + 1e-6))

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Float [N, F] -> [N, F]."""
        return ops.clip((features - self._mean) * self._factor, -_LIMIT, _LIMIT)


def transformer(options: NetworkOptions, height: int | None = None, width: int | None = None) -> keras.Model:
    """Builds the network that paints.

    Wide strided kernels smooth before they subsample, and the picture grows back by bilinear resizing: transposed and
    sub-pixel convolutions leave grids (Odena et al. 2016), those whose phases begin alike (Aitken et al. 2017) too.

    Args:
        options: its size.
        height: in pixels, a multiple of `MULTIPLE`; None leaves it open.
        width: likewise.

    Returns:
        Model: [content float32 [N, H, W, 3] 0..255, style_code float32 [N, D]] -> float32 [N, H, W, 3], 0..255.
    """
    wide = options.channels
    content = keras.Input((height, width, 3), name="content")
    code = keras.Input((options.code_size,), name="style_code")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale_to_one")(MirrorPadding(PADDING, name="mirror")(content))
    x = _strided(x, max(8, wide // 8), "down_1")
    x = _strided(x, max(8, wide // 4), "down_2")
    x = layers.Conv2D(wide, 1, use_bias=False, name="widen")(x)
    x = layers.ReLU(6.0)(ConditionalInstanceNorm(name="widen_norm")([x, code]))
    for index in range(options.blocks):
        x = _block(x, code, wide, f"block_{index}")
    x = _enlarged(x, code, max(8, wide // 4), "up_1")
    x = _enlarged(x, code, max(8, wide // 8), "up_2")
    x = layers.Conv2D(3, 3, padding="same", name="to_rgb")(x)
    x = layers.Cropping2D(PADDING)(x)
    picture = layers.Rescaling(255.0, dtype="float32", name="picture")(
        layers.Activation("sigmoid", dtype="float32", name="limit")(x)
    )
    return keras.Model([content, code], picture, name="transformer")


def build(options: NetworkOptions, encoder: str) -> Networks:
    """Builds all three, with the weights `encoder` in the fixed part (see `style_features`)."""
    features = style_features(encoder)
    return Networks(transformer(options), features, code_head(features.output.shape[-1], options))


def norm_channels(transformer: keras.Model) -> list[int]:
    """How many channels each conditional instance norm of a transformer has, in the order in which they are called."""
    return [layer.channels for layer in transformer.layers if isinstance(layer, ConditionalInstanceNorm)]


def reach(transformer: keras.Model) -> int:
    """How many pixels away from a pixel of the picture the photo has a say in it (norms apart), rounded up.

    The strided convolutions see 2 + 4 pixels to each side, each block's two 8, resizing and the last three convolutions
    13; a part's own mirror images are `PADDING` pixels further out.
    """
    blocks = sum(isinstance(layer, layers.Add) for layer in transformer.layers)
    return -(-(2 + 4 + 8 * blocks + 13 + PADDING) // 16) * 16


def style_features(weights: str, side: int = STYLE_SIDE) -> keras.Model:
    """Builds the fixed part of the predictor: pooled statistics of MobileNetV2's features at several depths.

    Args:
        weights: as in `trainer.networks.backbones.build`.
        side: of the painting in pixels.

    Returns:
        Model: style float32 [N, side, side, 3], 0..255 -> float32 [N, F], means and deviations of colours and features.
    """
    network = backbones.build("MobileNetV2", weights, side)
    pooled = []
    for tensor in (network.input / 255.0, *(network.get_layer(name).output for name in _DEPTHS)):
        mean = ops.mean(tensor, (1, 2), keepdims=True)
        variance = ops.mean(ops.square(tensor - mean), (1, 2))
        pooled += [ops.squeeze(mean, (1, 2)), ops.sqrt(variance + _EPSILON)]
    model = keras.Model(network.input, layers.Concatenate()(pooled), name="style_features")
    model.trainable = False
    return model


def code_head(features: int, options: NetworkOptions) -> keras.Model:
    """Builds the trained part of the predictor: style features float32 [N, F] -> style code float32 [N, D].

    Its layer `standardise` is to be given the mean and deviation of the features, see `Standardise.adapt`.
    """
    pooled = keras.Input((features,), name="style_features")
    x = Standardise(name="standardise")(pooled)
    x = layers.Dense(2 * options.code_size, activation="relu6", name="mix")(x)
    x = layers.Dense(options.code_size, dtype="float32", name="mix_to_code")(x)
    # Codes of one length: left to itself it grows to the hundredfold, and every step of what is linear in the code then
    # overshoots as many times.
    code = layers.LayerNormalization(center=False, scale=False, dtype="float32", name="style_code")(x)
    return keras.Model(pooled, code, name="code_head")


def _line(images: tf.Tensor, axis: int, begin: int, end: int) -> tf.Tensor:
    return images[:, begin:end] if axis == 1 else images[:, :, begin:end]


def _strided(x: tf.Tensor, channels: int, name: str) -> tf.Tensor:
    padded = MirrorPadding(2, name=f"{name}_mirror")(x)
    return layers.ReLU(6.0)(layers.Conv2D(channels, 5, 2, name=name)(padded))


def _block(x: tf.Tensor, code: tf.Tensor, channels: int, name: str) -> tf.Tensor:
    y = _mirrored(x, channels, f"{name}_a")
    y = layers.ReLU(6.0)(ConditionalInstanceNorm(name=f"{name}_a_norm")([y, code]))
    y = _mirrored(y, channels, f"{name}_b")
    return layers.Add(name=f"{name}_sum")([x, ConditionalInstanceNorm(name=f"{name}_b_norm")([y, code])])


def _mirrored(x: tf.Tensor, channels: int, name: str) -> tf.Tensor:
    padded = MirrorPadding(1, name=f"{name}_mirror")(x)
    return layers.SeparableConv2D(channels, 3, use_bias=False, name=name)(padded)


def _enlarged(x: tf.Tensor, code: tf.Tensor, channels: int, name: str) -> tf.Tensor:
    x = layers.UpSampling2D(interpolation="bilinear", name=f"{name}_resize")(x)
    x = layers.SeparableConv2D(channels, 3, padding="same", name=name)(x)
    return layers.ReLU(6.0)(ConditionalScale(name=f"{name}_scale")([x, code]))


def _small() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=0.05)
