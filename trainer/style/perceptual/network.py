"""The network in whose features content and style are measured (Gatys et al. 2016): VGG19, or what stands in for it."""

from collections.abc import Sequence

import tensorflow as tf

from trainer.style.perceptual import light
from trainer.style.perceptual.vgg19 import CONTENT_LAYER, STYLE_LAYERS, VGG19, Features, Padding

__all__ = ["CONTENT_LAYER", "STYLE_LAYERS", "Perceptual"]

LIGHT = "light"


class Perceptual(tf.Module):
    """A network with fixed weights.

    Args:
        weights: `light` for the small network that ships (`trainer.style.perceptual.light`), or VGG19's: `imagenet`,
            `none` or a path, as in `backbones.build`. `none` gives random weights, the same ones in every process, so
            that trainer and evaluation measure alike.
        padding: of every convolution. Zeros are what VGG19 was trained with and what published figures are computed
            with; they show at the borders of what a network learns to paint, reflection and replication do not.
        dtype: to compute in.

    Raises:
        UserError: from `trainer.networks.backbones.build`, or the shipped file is damaged.
    """

    def __init__(self, weights: str, padding: Padding = "zero", dtype: str = "float32"):
        super().__init__(name="perceptual")
        if weights == LIGHT:
            self._network = light.Light(light.shipped_weights(), padding, dtype)
        else:
            self._network = VGG19(weights, padding, dtype)

    def __call__(self, images: tf.Tensor, layers: Sequence[str] = STYLE_LAYERS) -> Features:
        """Pixels float32 [N, H, W, 3], RGB, 0..255 -> layer name -> float32 [N, h, w, C] after the ReLU."""
        return self._network(images, layers)
