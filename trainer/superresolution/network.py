"""A small network that enlarges luminances two or four times: it corrects what bicubic interpolation makes of them.

Convolutions of one width at the small size and a sub-pixel head (Shi et al. 2016, "Real-Time Single Image and Video
Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network"). Its kernels begin near the identity, so
that each layer is a residual one that costs nothing (Bhardwaj et al. 2022, "Collapsible Linear Blocks for
Super-Efficient Super Resolution", section 3). Convolutions take no margin: what is outside of a picture is for the
caller to say, and pictures may be enlarged in parts.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from trainer.base.errors import UserError
from trainer.networks import float16_file

FACTORS = (2, 4)
CHANNELS, LAYERS = 32, 5
REACH = 2 + LAYERS + 1
"""Pixels of the small picture around a part that have a say in it."""
FORMAT = 1
"""Of the file of weights; a newer one is refused."""
_KEY, _WHAT = "superresolution", "super-resolution network"
_FIRST, _LAST = "first", "last"
_SHARPNESS = -0.5
"""Keys' parameter of the cubic, as Pillow and MATLAB have it."""
_TAPS = 5
_SPREAD = 0.5
"""Of random kernels beside the identity, as a share of what He et al. (2015) begin with."""


def bicubic(factor: int) -> np.ndarray:
    """The kernels with which a picture is enlarged bicubically (Keys 1981).

    Returns:
        float32 [5, 5, 1, factor ** 2], an output for each pixel that one becomes, row by row.
    """
    places = (np.arange(factor) + 0.5) / factor - 0.5
    distance = np.abs(places[:, np.newaxis] - (np.arange(_TAPS) - _TAPS // 2))
    a = _SHARPNESS
    near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    far = a * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    weights = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    kernels = np.einsum("ay,bx->yxab", weights, weights)
    return kernels.reshape(_TAPS, _TAPS, 1, factor**2).astype(np.float32)


def initial(factor: int, seed: int) -> dict[str, np.ndarray]:
    """Weights to begin with, by name: those of a bicubic enlargement, whose correction is to be learned."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in _shapes(factor).items():
        if len(shape) == 1:
            found[name] = np.zeros(shape)
            continue
        spread = np.sqrt(2 / np.prod(shape[:-1]))
        found[name] = rng.normal(0, spread, shape)
        if name.startswith("body"):
            found[name] *= _SPREAD
            found[name][1, 1] += np.eye(CHANNELS)
        elif name.startswith(_LAST):
            found[name] *= 0
    return {name: value.astype(np.float32) for name, value in found.items()}


class Enlarger(tf.Module):
    """The network.

    Args:
        factor: by which it enlarges, one of `FACTORS`.
        weights: by name, see `initial`; arrays or variables.
        dtype: to compute in, between its ends.
    """

    def __init__(self, factor: int, weights: Mapping[str, np.ndarray | tf.Variable], dtype: str = "float32"):
        super().__init__(name="enlarger")
        self._factor, self._dtype, self._bicubic = factor, dtype, bicubic(factor)
        self._weights = {
            name: value if isinstance(value, tf.Variable) else tf.constant(value) for name, value in weights.items()
        }

    def __call__(self, luminance: tf.Tensor) -> tf.Tensor:
        """Enlarges luminances.

        Args:
            luminance: float32 [N, H + 2 * REACH, W + 2 * REACH, 1], 0..255.

        Returns:
            float32 [N, factor * H, factor * W, 1]; a little less than 0 or more than 255 where edges are steep.
        """
        levels = 1 / 255  # inside, white is 1; at both ends this is part of the kernels
        x = tf.nn.relu(self._convolved(luminance, _FIRST, levels))
        x = tf.cast(x, self._dtype)
        for number in range(LAYERS):
            x = tf.nn.relu(self._convolved(x, f"body{number}"))
        correction = self._convolved(tf.cast(x, tf.float32), _LAST, 255.0)
        margin = REACH - _TAPS // 2
        base = tf.nn.conv2d(luminance[:, margin:-margin, margin:-margin], self._bicubic, 1, "VALID")
        return tf.nn.depth_to_space(base + correction, self._factor)

    def _convolved(self, x: tf.Tensor, name: str, scale: float = 1.0) -> tf.Tensor:
        kernel, bias = (tf.cast(self._weights[f"{name}/{part}"], x.dtype) for part in ("kernel", "bias"))
        if name == _LAST:
            bias = scale * bias
        return tf.nn.bias_add(tf.nn.conv2d(x, scale * kernel if scale != 1 else kernel, 1, "VALID"), bias)


def write(path: Path, factor: int, weights: Mapping[str, np.ndarray]) -> None:
    """Writes weights by name, rounded to float16; raises a ValueError for what that cannot hold."""
    float16_file.save(path, FORMAT, weights, {_KEY: str(factor)})


def read(path: Path) -> tuple[int, dict[str, np.ndarray]]:
    """The factor and the weights, float32 by name, that `write` wrote.

    Raises:
        UserError: they cannot be read, were written by a newer Easel, or are of another network.
    """
    factor = float16_file.about(path, FORMAT, _KEY, _WHAT)
    found = float16_file.arrays(path)
    if factor not in map(str, FACTORS) or {n: v.shape for n, v in found.items()} != _shapes(int(factor)):
        raise UserError(f"{path}: a {_WHAT} of another shape than this Easel's; install easel again")
    return int(factor), found


def body(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of a network's weights that one of another factor can begin with, too."""
    return {name: value for name, value in weights.items() if not name.startswith(_LAST)}


def _shapes(factor: int) -> dict[str, tuple[int, ...]]:
    layers = [(_FIRST, 5, 1, CHANNELS), *((f"body{n}", 3, CHANNELS, CHANNELS) for n in range(LAYERS))]
    layers.append((_LAST, 3, CHANNELS, factor**2))
    kernels = {f"{name}/kernel": (size, size, channels, out) for name, size, channels, out in layers}
    return kernels | {f"{name}/bias": (out,) for name, _, _, out in layers}
