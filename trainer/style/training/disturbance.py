"""Photos disturbed as those of a film are: moved by a few pixels, with noise. Their pictures should stay the same.

Sheng et al. (2018) train with noise, Risser et al. (2017) and Gupta et al. (2017) with consistency. A move by less than
the network's stride of four also shows what it paints in its own grid: a weave, which does not move with the photo.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

FURTHEST = 3
"""Pixels of the largest move, in each direction."""
_NOISE = 8.0
_BORDER_SHARE = 10


class Disturbance(NamedTuple):
    """Disturbed photos: float32 [K, H, W, 3], 0..255, and by how much all were moved down and right, int32 [2]."""

    photos: tf.Tensor
    move: tf.Tensor

    def pairs(self, before: tf.Tensor, after: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Where the pictures show the same, without a border of a tenth; float32 [K, h, w, 3] each.

        Args:
          before: pictures of the photos, float32 [K, H, W, 3].
          after: of the disturbed ones.
        """
        shape = tf.shape(before)[1:3]
        border = shape // _BORDER_SHARE
        size = shape - 2 * border - FURTHEST

        def part(pictures: tf.Tensor, begin: tf.Tensor) -> tf.Tensor:
            return pictures[:, begin[0] : begin[0] + size[0], begin[1] : begin[1] + size[1]]

        return part(before, border), part(after, border + self.move)


def disturb(crops: np.ndarray, rng: np.random.Generator) -> Disturbance:
    """Moves photos by one move of 0 to 3 pixels down and right, never by none, and adds noise.

    What comes in at the top and left is mirrored. The noise is normal, its deviation drawn between 0 and 8 levels.

    Args:
      crops: uint8 [K, H, W, 3].
      rng: draws the move and the noise.
    """
    down, right = divmod(int(rng.integers(1, (FURTHEST + 1) ** 2)), FURTHEST + 1)
    height, width = crops.shape[1:3]
    moved = np.pad(crops, ((0, 0), (down, 0), (right, 0), (0, 0)), mode="reflect")[:, :height, :width]
    noise = rng.normal(0, rng.uniform(0, _NOISE), moved.shape)
    photos = np.clip(moved + noise, 0, 255).astype(np.float32)
    return Disturbance(tf.constant(photos), tf.constant([down, right], tf.int32))
