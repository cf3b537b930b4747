"""VGG19's features (Simonyan & Zisserman 2014), in which content and style are measured (Gatys et al. 2016)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from trainer.networks import backbones

CONTENT_LAYER = "block4_conv1"
STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1")

_CONVOLUTIONS = tuple(f"block{block}_conv{i}" for block, n in ((1, 2), (2, 2), (3, 4), (4, 1)) for i in range(1, n + 1))
BGR_MEANS = (103.939, 116.779, 123.68)
_RANDOM_SEED = 19

Padding = Literal["reflect", "replicate", "zero"]
Features = dict[str, tf.Tensor]
"""Layer name -> float32 [N, h, w, C]."""

# Mirrored with its edge, a border of one pixel is the edge again.
_MODES = {"reflect": "REFLECT", "replicate": "SYMMETRIC", "zero": "CONSTANT"}


def padded(x: tf.Tensor, padding: Padding) -> tf.Tensor:
    """[N, H, W, C] with a border of one pixel: [N, H + 2, W + 2, C]."""
    return tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], _MODES[padding])


class VGG19(tf.Module):
    """VGG19 up to block4_conv1 with fixed weights.

    Args:
        weights: `imagenet`, `none` or a path, as in `backbones.build`. `none` gives random weights, the same
            ones in every process, so that trainer and evaluation measure alike.
        padding: of every convolution. Zeros are what VGG19 was trained with and what published figures are computed
            with; they show at the borders of what a network learns to paint, reflection and replication do not.
        dtype: to compute in.

    Raises:
        UserError: from `trainer.networks.backbones.build`.
    """

    def __init__(self, weights: str, padding: Padding = "zero", dtype: str = "float32"):
        super().__init__(name="vgg19")
        self._padding, self._dtype = padding, dtype
        network = backbones.build("VGG19", weights)
        rng = np.random.default_rng(_RANDOM_SEED)
        self._weights = {}
        for name in _CONVOLUTIONS:
            kernel, bias = network.get_layer(name).get_weights()
            if weights == "none":
                # He et al. 2015, section 2.2: variance 2 / fan-in keeps the size of the features from layer to layer.
                kernel = rng.normal(0, np.sqrt(2 / np.prod(kernel.shape[:3])), kernel.shape)
            self._weights[name] = tf.constant(kernel, dtype), tf.constant(bias, dtype)

    def first_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """Kernel float32 [3, 3, 3, 64], for blue, green, red, and bias float32 [64] of block1_conv1."""
        return tuple(tf.cast(part, tf.float32).numpy() for part in self._weights[_CONVOLUTIONS[0]])

    def __call__(self, images: tf.Tensor, layers: Sequence[str] = STYLE_LAYERS) -> dict[str, tf.Tensor]:
        """Pixels float32 [N, H, W, 3], RGB, 0..255 -> layer name -> float32 [N, h, w, C] after the ReLU."""
        x = tf.cast(images[..., ::-1] - tf.constant(BGR_MEANS), self._dtype)
        found = {}
        for name in _CONVOLUTIONS:
            if name.endswith("conv1") and not name.startswith("block1"):
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
            x = tf.nn.relu(self._convolve(x, *self._weights[name]))
            if name in layers:
                found[name] = tf.cast(x, tf.float32)
            if len(found) == len(layers):
                break
        return found

    def _convolve(self, x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        if self._padding == "zero":
            return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias)
        return tf.nn.bias_add(tf.nn.conv2d(padded(x, self._padding), kernel, 1, "VALID"), bias)
