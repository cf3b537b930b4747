"""A small network that stands in for VGG19 where features are compared: it predicts VGG19's own channels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from easel_serving import shipped
from easel_serving.protocol.errors import ServingError

from trainer.base.errors import UserError
from trainer.networks import float16_file
from trainer.style.perceptual.vgg19 import BGR_MEANS, STYLE_LAYERS, Features, Padding, padded

FOLDER = Path(__file__).parent / "shipped"
WEIGHTS, CARD, MANIFEST = "light.safetensors", shipped.CARD, shipped.MANIFEST
FORMAT = 1
"""Of the file of weights; a newer one is refused."""
_KEY, _WHAT = "light", "light perceptual network"

# Name, kernel, input and output channels, and the layer of VGG19 that the output predicts. VGG19's first layers cost
# most, as they have the most positions: here there is none at full resolution.
TABLE = (
    ("block1_conv1", 4, 2, 3, 64),
    ("trunk1", 3, 1, 64, 32),
    ("block2_conv1", 4, 2, 32, 128),
    ("trunk2", 3, 1, 128, 80),
    ("block3_conv1", 4, 2, 80, 256),
    ("trunk3", 3, 1, 256, 128),
    ("trunk4", 3, 1, 128, 128),
    ("trunk5", 3, 1, 128, 160),
    ("block4_conv1", 1, 1, 160, 512),
)


def phases(channels: int) -> np.ndarray:
    """Which of four positions each channel of a strided layer looks at; int [C, 2], (down, right), each 0 or 1.

    A strided layer has a quarter of VGG19's positions. If all its channels took the same ones, a picture that is
    optimised could have any noise at the others. VGG19's kernels of 3 pixels, shifted inside of kernels of 4, reach
    each position with a quarter of the channels.
    """
    index = np.arange(channels)
    return np.stack([index // 2 % 2, index % 2], axis=1)


def at_phases(features: tf.Tensor) -> tf.Tensor:
    """What a strided layer predicts of VGG19's [N, h, w, C]: each channel at its `phases`; [N, h // 2, w // 2, C]."""
    height, width, channels = features.shape[1] // 2, features.shape[2] // 2, features.shape[3]
    parts = tf.reshape(features[:, : 2 * height, : 2 * width], [-1, height, 2, width, 2, channels])
    which = tf.one_hot(phases(channels) @ [2, 1], 4, dtype=features.dtype)
    return tf.einsum("nhawbc,abc->nhwc", parts, tf.reshape(tf.transpose(which), [2, 2, channels]))


def first_layer(kernel: np.ndarray) -> np.ndarray:
    """VGG19's kernel of block1_conv1, float32 [3, 3, 3, 64], at its `phases` in one of [4, 4, 3, 64]."""
    found = np.zeros((4, 4, *kernel.shape[2:]), np.float32)
    for channel, (down, right) in enumerate(phases(kernel.shape[-1])):
        found[down : down + 3, right : right + 3, :, channel] = kernel[..., channel]
    return found


def initial(kernel: np.ndarray, bias: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Weights to begin with, by name: VGG19's first layer as it is, the others random (He et al. 2015, section 2.2).

    Args:
        kernel: of VGG19's block1_conv1, float32 [3, 3, 3, 64], for blue, green, red.
        bias: its bias, float32 [64].
        seed: of the random ones.
    """
    rng = np.random.default_rng(seed)
    found = {
        name: rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape) if len(shape) > 1 else np.zeros(shape)
        for name, shape in _shapes().items()
    }
    found = {name: value.astype(np.float32) for name, value in found.items()}
    return found | {"block1_conv1/kernel": first_layer(kernel), "block1_conv1/bias": bias.astype(np.float32)}


class Light(tf.Module):
    """The network.

    Args:
        weights: `LAYER/kernel` float32 [k, k, C, D] and `LAYER/bias` float32 [D] for each of `TABLE`, arrays or
            variables.
        padding: of every convolution, as VGG19's (`trainer.style.perceptual.network.Perceptual`).
        dtype: to compute in.
    """

    def __init__(
        self, weights: Mapping[str, np.ndarray | tf.Variable], padding: Padding = "zero", dtype: str = "float32"
    ):
        super().__init__(name="light")
        self._padding, self._dtype = padding, dtype
        self._weights = {
            name: value if isinstance(value, tf.Variable) else tf.constant(value, dtype)
            for name, value in weights.items()
        }

    def __call__(self, images: tf.Tensor, layers: Sequence[str] = STYLE_LAYERS) -> Features:
        """Pixels float32 [N, H, W, 3], RGB, 0..255 -> layer name -> float32 [N, h, w, C] after the ReLU.

        Channel by channel they are like VGG19's. Those of block1..3 have half of its height and width, which statistics
        do not mind; block4's have its size.
        """
        x = tf.cast(images[..., ::-1] - tf.constant(BGR_MEANS), self._dtype)
        found = {}
        for name, size, stride, _, _ in TABLE:
            kernel = tf.cast(self._weights[f"{name}/kernel"], self._dtype)
            bias = tf.cast(self._weights[f"{name}/bias"], self._dtype)
            x = padded(x, self._padding) if size > 1 else x
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, stride, "VALID"), bias))
            if name in layers:
                found[name] = tf.cast(x, tf.float32)
            if len(found) == len(layers):
                break
        return found


def shipped_weights(folder: Path = FOLDER) -> dict[str, np.ndarray]:
    """The weights that ship with Easel, compared with their SHA-256.

    Args:
        folder: where they lie, with their card and a manifest.

    Raises:
        UserError: they are not there, damaged, or made for a newer Easel.
    """
    try:
        shipped.verified(folder, "perceptual network", "easel")
    except ServingError as error:
        raise UserError(str(error)) from error
    return read(folder / WEIGHTS)


def write(path: Path, weights: Mapping[str, np.ndarray]) -> None:
    """Writes weights by name, rounded to float16; raises a ValueError for what that cannot hold."""
    float16_file.save(path, FORMAT, weights, {_KEY: "1"})


def read(path: Path) -> dict[str, np.ndarray]:
    """The weights that `write` wrote, float32 by name.

    Raises:
        UserError: they cannot be read, were written by a newer Easel, or are of another network.
    """
    float16_file.about(path, FORMAT, _KEY, _WHAT)
    found = float16_file.arrays(path)
    if {name: value.shape for name, value in found.items()} != _shapes():
        raise UserError(f"{path}: a {_WHAT} of another shape than this Easel's; install easel again")
    return found


def _shapes() -> dict[str, tuple[int, ...]]:
    kernels = {f"{name}/kernel": (size, size, channels, out) for name, size, _, channels, out in TABLE}
    return kernels | {f"{name}/bias": (out,) for name, _, _, _, out in TABLE}
