"""What a picture is like: VGG19's distances, structure, colours, and how it flickers."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from trainer.images import decoding, encoding, resizing
from trainer.style.perceptual import losses
from trainer.style.perceptual.network import CONTENT_LAYER, Perceptual

_REMEMBERED = 64
_QUANTILES = 256
_FLICKER_SIDE = 160


class Judge:
    """Measures pictures; remembers what it has computed for photos and paintings, which come back in many pairs."""

    def __init__(self, weights: str):
        self._perceptual = Perceptual(weights, "zero")
        self._features = tf.function(self._perceptual, reduce_retracing=True)
        self._known: dict[tuple[str, bytes], Any] = {}

    def distances(self, content: bytes, style: bytes, painted: bytes) -> dict[str, float]:
        """The lane's metrics of one picture, but for `flicker`; files as bytes.

        A picture of another size than the photo is measured beside the photo resized.
        """
        picture = decoding.decode(tf.constant(painted))
        height, width = picture.shape[:2]
        photo = resizing.resize(decoding.decode(tf.constant(content)), height, width)
        found = self._features(_batch(picture))
        key = f"{height}x{width}"
        target = self._remember(key, content, lambda: self._features(_batch(photo))[CONTENT_LAYER])
        wanted = self._remember(
            "style", style, lambda: losses.moments(self._features(_batch(decoding.decode(tf.constant(style)))))
        )
        return {
            "content_distance": float(losses.content_distance(found[CONTENT_LAYER], target)[0]),
            "style_distance": float(losses.style_distance(losses.moments(found), wanted)[0]),
            "ssim": _ssim(photo, picture),
            "colour_distance": colour_distance(picture.numpy(), decoding.decode(tf.constant(style)).numpy()),
        }

    def unchanged(self, content: bytes, style: bytes) -> dict[str, float]:
        """`METRICS` of the photo itself, as if it were the picture; files as bytes."""
        photo, painting = (decoding.decode(tf.constant(data)) for data in (content, style))
        own = self._remember("photo", content, lambda: losses.moments(self._features(_batch(photo))))
        wanted = self._remember("style", style, lambda: losses.moments(self._features(_batch(painting))))
        return {
            "content_distance": 0.0,
            "style_distance": float(losses.style_distance(own, wanted)[0]),
            "ssim": 1.0,
            "colour_distance": colour_distance(photo.numpy(), painting.numpy()),
            "flicker": 0.0,
        }

    def _remember(self, kind: str, data: bytes, compute: Any) -> Any:
        key = kind, hashlib.sha256(data).digest()
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = compute()
        return self._known[key]


def colour_distance(picture: np.ndarray, painting: np.ndarray) -> float:
    """How far apart two images' colours are, wherever in the images they are; both uint8 [H, W, 3].

    The mean over the channels of CIE L*a*b* (8 bits each) of the Wasserstein distance between their distributions, in
    levels of 255.
    """
    shares = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    found = [
        np.quantile(cv2.cvtColor(image, cv2.COLOR_RGB2LAB).reshape(-1, 3), shares, axis=0)
        for image in (picture, painting)
    ]
    return float(np.abs(found[0] - found[1]).mean())


def flicker(paint: Callable[..., Mapping[str, tf.Tensor]], content: bytes, style: bytes) -> float:
    """How much a picture changes when its photo moves by a pixel: what a film would flicker by.

    The middle of the photo is cut out twice, a pixel apart; the mean absolute difference of the two pictures where they
    show the same, in levels of 255. A border of 16 pixels is left out, where each shows something else. `paint` is the
    `serving_default` of a style network; photo and painting are files.
    """
    photo = decoding.decode(tf.constant(content))
    side = max(4, min(min(photo.shape[:2]) - 1, _FLICKER_SIDE) // 4 * 4)
    top, left = ((size - side) // 2 for size in photo.shape[:2])
    crops = [photo[top : top + side, start : start + side] for start in (left, left + 1)]
    painted = paint(
        content_bytes=tf.stack([encoding.encode_png(crop) for crop in crops]),
        style_bytes=tf.constant([style, style]),
        strength=tf.ones([2]),
    )["stylized_bytes"]
    first, second = (tf.cast(decoding.decode(data), tf.float32).numpy() for data in painted)
    border = min(16, side // 4)
    difference = np.abs(first[:, 1:] - second[:, : first.shape[1] - 1])
    return float(difference[border:-border, border:-border].mean())


def _batch(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(image, tf.float32)[tf.newaxis]


def _ssim(photo: tf.Tensor, picture: tf.Tensor) -> float:
    """SSIM of the luminances (Wang et al. 2004); both uint8 [H, W, 3]; NaN where the 11 pixel window does not fit."""
    if min(photo.shape[:2]) < 11:
        return float("nan")
    grey: Sequence[tf.Tensor] = [tf.image.rgb_to_grayscale(image[tf.newaxis]) for image in (photo, picture)]
    return float(tf.image.ssim(*grey, 255)[0])
