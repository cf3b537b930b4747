"""What training draws from: crops of photos and paintings whose features are computed once.

Content features and style statistics do not depend on the network that learns, so a step pays the perceptual network
only on what was painted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from trainer.base import arrays_file, progress
from trainer.base.errors import UserError
from trainer.images import encoding, resizing
from trainer.style.input import colours
from trainer.style.input.preprocessing import IMAGE, NAME
from trainer.style.perceptual import losses
from trainer.style.perceptual.network import CONTENT_LAYER, Perceptual

GRAM_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1")
_BATCH = 4
_SMALLEST_PART = 0.6
_INVENTED = -1
_LITTLE = 0.7
"""Content that is smaller than this much of the average counts less."""

Encode = Callable[[tf.Tensor], tf.Tensor]
"""Style features of paintings: float32 [N, s, s, 3] of any side s -> [N, F]."""


@dataclass(frozen=True)
class Images:
    """Transformed images in memory: uint8 [N, S, S, 3], and their names."""

    pixels: np.ndarray
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class PhotoPool:
    """Crops of photos: uint8 [P, c, c, 3], content features float16 [P, h, w, C], own style features [P, F].

    `weights` (float32 [P], at most 1) are what the content of each counts: distances are relative to it, and of a plain
    wall, where there is hardly any, the same brush strokes are many times further away.
    """

    crops: np.ndarray
    content: np.ndarray
    style_features: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class PaintingPool:
    """Crops of paintings: which painting [Q], style features [Q, F], moments by layer ([Q, C], [Q, C]), Gram [Q, C, C].

    Invented paintings belong to none. `gram` is empty when nobody asks for it.
    """

    painting: np.ndarray
    style_features: np.ndarray
    moments: dict[str, tuple[np.ndarray, np.ndarray]]
    gram: dict[str, np.ndarray]

    @property
    def by_painting(self) -> list[np.ndarray]:
        """The indices of each painting's crops, the whole first."""
        return [np.flatnonzero(self.painting == i) for i in np.unique(self.painting[self.painting != _INVENTED])]

    @property
    def invented(self) -> np.ndarray:
        """The indices of the invented paintings."""
        return np.flatnonzero(self.painting == _INVENTED)


Pool = TypeVar("Pool", PhotoPool, PaintingPool)


def keep(path: Path, pool: PhotoPool | PaintingPool) -> None:
    """Writes a pool, whole or not at all: a training that goes on need not compute it again."""
    arrays = {}
    for field in fields(pool):
        value = getattr(pool, field.name)
        for name, part in _flat(field.name, value):
            arrays[name] = part
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays_file.write(path, arrays)


def kept(path: Path, kind: type[Pool]) -> Pool | None:
    """The pool that `keep` wrote there, if it did."""
    if not path.is_file():
        return None
    with np.load(path) as saved:
        arrays = {name: saved[name] for name in saved.files}
    return kind(**{field.name: _nested(field.name, arrays) for field in fields(kind)})


def read(patterns: Sequence[str], side: int, limit: int | None = None) -> Images:
    """Images from the gzip TFRecords that Transform wrote, sorted by name and content: Beam promises no order.

    Args:
        patterns: globs of files.
        side: S, as in Transform.
        limit: how many at most; they are the ones whose content hashes lowest, a fair sample.
    """
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    spec = {IMAGE: tf.io.FixedLenFeature([], tf.string), NAME: tf.io.FixedLenFeature([], tf.string)}
    rows = tf.data.TFRecordDataset(files, "GZIP").map(lambda record: tf.io.parse_single_example(record, spec))
    hashed = rows.map(lambda row: tf.strings.to_hash_bucket_strong(row[IMAGE], 2**62, [17, 29]))
    keys = np.array(list(hashed.as_numpy_iterator()), np.int64)
    bound = np.sort(keys)[min(limit or len(keys), len(keys)) - 1] if len(keys) else 0
    kept = [
        (row[NAME].decode(errors="replace"), key, encoding.parse(row[IMAGE], side, side).numpy())
        for row, key in zip(rows.as_numpy_iterator(), keys, strict=True)
        if key <= bound
    ]
    kept.sort(key=lambda row: row[:2])
    pixels = np.stack([row[2] for row in kept]) if kept else np.zeros((0, side, side, 3), np.uint8)
    return Images(pixels, [row[0] for row in kept])


def photo_pool(
    photos: Images, crop: int, count: int, perceptual: Perceptual, encode: Encode, rng: np.random.Generator
) -> PhotoPool:
    """Cuts `count` squares out of photos, each photo as often as any other, and reduces them to `crop` pixels.

    Their sides are between `crop` and S, evenly on a logarithmic scale: photos show things near and far.

    Raises:
        UserError: there are no photos.
    """
    _check(photos)
    order = np.concatenate([rng.permutation(len(photos)) for _ in range(-(-count // len(photos)))])[:count]
    sides = (crop * (photos.pixels.shape[1] / crop) ** rng.random(count)).astype(int)
    crops = np.stack([_resized(_part(photos.pixels[i], side, rng), crop) for i, side in zip(order, sides, strict=True)])
    content, features = [], []
    for part in _parts(crops, "photo crops"):
        content.append(perceptual(part, [CONTENT_LAYER])[CONTENT_LAYER].numpy().astype(np.float16))
        features.append(encode(part).numpy())
    content = np.concatenate(content)
    size = np.array([np.mean(np.square(one, dtype=np.float32)) for one in content])
    # Black photos have no content at all.
    weights = np.minimum(1.0, size / max(_LITTLE * size.mean(), 1e-12)).astype(np.float32)
    return PhotoPool(crops, content, np.concatenate(features), weights)


def invent(paintings: Images, photos: Images, count: int, rng: np.random.Generator) -> np.ndarray:
    """Makes `count` more paintings, uint8 [count, S, S, 3]: parts of paintings and of photos in the colours of others.

    A predictor that has seen some dozens of paintings knows as many codes; from these it learns what lies between.

    Raises:
        UserError: there are no paintings or no photos.
    """
    _check(photos, paintings)
    side = paintings.pixels.shape[1]

    def draw() -> np.ndarray:
        source = (paintings, photos)[rng.integers(2)].pixels
        return _some_part(source[rng.integers(len(source))], rng)

    made = [_resized(colours.transfer(draw(), draw(), tf.constant(1.0)).numpy(), side) for _ in range(count)]
    return np.stack(made) if made else np.zeros((0, side, side, 3), np.uint8)


def painting_pool(
    paintings: Images,
    each: int,
    perceptual: Perceptual,
    encode: Encode,
    rng: np.random.Generator,
    with_gram: bool,
    invented: Sequence[np.ndarray] = (),
) -> PaintingPool:
    """Cuts `each` squares out of each painting, the first being the whole; takes what was invented as it is.

    Their style is measured at S, the scale at which photos are cut: strokes keep their size relative to the picture.
    They are encoded as they were cut, some sharper than others, as the paintings that people bring are.

    Raises:
        UserError: there are no paintings.
    """
    _check(paintings=paintings)
    side = paintings.pixels.shape[1]
    crops, owners, features = [], [], []

    def add(part: np.ndarray, owner: int) -> None:
        features.append(encode(tf.cast(part, tf.float32)[tf.newaxis]).numpy())
        crops.append(_resized(part, side))
        owners.append(owner)

    for index, painting in enumerate(paintings.pixels):
        add(painting, index)
        for _ in range(each - 1):
            add(_some_part(painting, rng), index)
    for painting in invented:
        add(painting, _INVENTED)
    moments, grams = [], []
    for part in _parts(np.stack(crops), "painting crops"):
        found = perceptual(part)
        moments.append(losses.moments(found))
        grams.append({name: losses.gram(found[name]) for name in GRAM_LAYERS} if with_gram else {})
    return PaintingPool(
        painting=np.array(owners),
        style_features=np.concatenate(features),
        moments={
            name: tuple(np.concatenate([part[name][i] for part in moments]) for i in (0, 1)) for name in moments[0]
        },
        gram={name: np.concatenate([part[name] for part in grams]) for name in grams[0]},
    )


def _flat(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    """An array, or a dictionary of arrays or of pairs of them, as arrays with names."""
    if isinstance(value, np.ndarray):
        yield name, value
        return
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _flat(f"{name}/{key}", part)


def _nested(name: str, arrays: Mapping[str, np.ndarray]) -> Any:
    if name in arrays:
        return arrays[name]
    keys = list(dict.fromkeys(each[len(name) + 1 :].split("/")[0] for each in arrays if each.startswith(f"{name}/")))
    parts = {key: _nested(f"{name}/{key}", arrays) for key in keys}
    return tuple(parts.values()) if keys and keys[0].isdigit() else parts


def _parts(crops: np.ndarray, what: str) -> Iterator[tf.Tensor]:
    for begin in range(0, len(crops), _BATCH):
        yield tf.cast(crops[begin : begin + _BATCH], tf.float32)
        progress.report(**{what.replace(" ", "_"): min(begin + _BATCH, len(crops)), "of": len(crops)})


def _part(image: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    y, x = rng.integers(0, image.shape[0] - size + 1, 2)
    return image[y : y + size, x : x + size]


def _some_part(painting: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _part(painting, int(rng.uniform(_SMALLEST_PART, 1.0) * painting.shape[0]), rng)


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    return image if image.shape[0] == side else resizing.resize(image, side, side, method="lanczos3").numpy()


def _check(photos: Images | None = None, paintings: Images | None = None) -> None:
    if photos is not None and not len(photos):
        raise UserError("style.photos: no photo to learn from; look at `easel check`")
    if paintings is not None and not len(paintings):
        raise UserError("style.paintings: no painting to learn from; look at `easel check`")
