"""Photos, paintings and paintings-in-progress that the light perceptual network is fitted to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from easel_serving import shipped

from trainer.images import decoding, encoding, resizing
from trainer.style.input import colours
from trainer.style.networks import networks, weights_file
from trainer.style.perceptual.distillation import Cases

SIDE, SOURCE = 96, 384
"""Sides of the crops, and of the squares that they are cut from."""
BEGUN = {"photo": 0.15, "painting": 0.1, "painted": 0.4, "mixed": 0.15, "recoloured": 0.2}
"""How many are what, where they are taken as they are; see `draw`."""
TO_MOVE = {"photo": 0.5, "painting": 0.1, "painted": 0.2, "mixed": 0.1, "recoloured": 0.1}
"""And where they are only the beginning."""

_OBJECTIVES = np.array([(1, 10), (0, 10), (1, 3), (1, 30)], np.float32)
_ONLY_CONTENT, _NOISY = 0.25, 0.3
_BATCH = 16


def squares(paths: Sequence[Path], side: int = SOURCE) -> np.ndarray:
    """The middle of each image, uint8 [N, side, side, 3]."""
    images = (decoding.decode(tf.constant(path.read_bytes())) for path in paths)
    return np.stack([resizing.resize(image, side, side, "crop").numpy() for image in images])


class Painter:
    """The style network that ships."""

    def __init__(self):
        path = shipped.weights()
        self._networks = networks.build(weights_file.network_options(path), "none")
        if not weights_file.restore(path, **self._networks._asdict()):
            raise ValueError(f"{path}: another network than this Easel's")

    def __call__(self, photos: np.ndarray, paintings: np.ndarray, strengths: np.ndarray) -> np.ndarray:
        """Photos uint8 [N, S, S, 3] like paintings, the same, with strengths [N] (1 is full); uint8 [N, S, S, 3]."""
        made = []
        for i in range(0, len(photos), _BATCH):
            photo, share = photos[i : i + _BATCH], strengths[i : i + _BATCH, None]
            codes = share * self._codes(paintings[i : i + _BATCH]) + (1 - share) * self._codes(photo)
            painted = self._networks.transformer([tf.cast(photo, tf.float32), tf.constant(codes)], training=False)
            made.append(encoding.to_uint8(painted))
        return np.concatenate(made)

    def _codes(self, images: np.ndarray) -> np.ndarray:
        side = networks.STYLE_SIDE
        resized = tf.cast(resizing.resize(tf.constant(images), side, side), tf.float32)
        return self._networks.head(self._networks.features(resized, training=False), training=False).numpy()


def draw(
    photos: np.ndarray,
    paintings: np.ndarray,
    count: int,
    painter: Painter,
    shares: dict[str, float],
    rng: np.random.Generator,
) -> Cases:
    """Cuts crops out of photos and paintings, and makes pictures of them.

    Args:
        photos: uint8 [N, SOURCE, SOURCE, 3].
        paintings: the same.
        count: how many cases.
        painter: paints some of them.
        shares: of photos, parts of paintings, photos that are painted, weakly to strongly, mixtures of a photo with a
            painting, and photos in the painting's colours. Every third has noise.
        rng: draws.
    """
    photo = np.stack([_part(photos[rng.integers(len(photos))], rng) for _ in range(count)])
    painting = np.stack([_part(paintings[rng.integers(len(paintings))], rng) for _ in range(count)])
    others = painting[rng.permutation(count)]
    kind = rng.choice(list(shares), count, p=list(shares.values()))
    weights = _OBJECTIVES[rng.integers(0, len(_OBJECTIVES), count)]
    # A photo has nothing to gain in content.
    weights[(rng.random(count) < _ONLY_CONTENT) & (kind != "photo")] = (1, 0)
    weights[(kind == "photo") & (weights[:, 1] == 0)] = (1, 10)
    pictures = photo.copy()
    pictures[kind == "painting"] = others[kind == "painting"]
    painted = kind == "painted"
    if painted.any():
        strengths = rng.uniform(0.3, 1.2, painted.sum()).astype(np.float32)
        pictures[painted] = painter(photo[painted], painting[painted], strengths)
    for i in np.flatnonzero(kind == "mixed"):
        share = rng.uniform(0.1, 0.9)
        pictures[i] = np.rint(share * photo[i] + (1 - share) * others[i])
    for i in np.flatnonzero(kind == "recoloured"):
        strength = tf.constant(rng.uniform(0.5, 1), tf.float32)
        pictures[i] = colours.transfer(tf.constant(photo[i]), tf.constant(painting[i]), strength)
    for i in np.flatnonzero(rng.random(count) < _NOISY):
        noise = rng.normal(0, rng.uniform(2, 25), pictures[i].shape)
        pictures[i] = np.clip(np.rint(pictures[i] + noise), 0, 255)
    return Cases(pictures, photo, painting, weights)


def _part(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = int(SIDE * (SOURCE / SIDE) ** rng.random())
    top, left = rng.integers(0, SOURCE - side + 1, 2)
    part = image[top : top + side, left : left + side]
    part = part[:, ::-1] if rng.random() < 0.5 else part
    return resizing.resize(tf.constant(np.ascontiguousarray(part)), SIDE, SIDE).numpy()
