"""A contact sheet of the network as it learns: photos down, paintings across."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from trainer.images import encoding
from trainer.style.input.pools import PaintingPool, PhotoPool

_PHOTOS, _PAINTINGS = 3, 6


def write(
    path: Path, transformer: keras.Model, head: keras.Model, photos: PhotoPool, paintings: PaintingPool
) -> tf.Tensor:
    """Paints a few of the pool's photos like some of its paintings; writes a PNG and returns it, uint8 [1, H, W, 3]."""
    chosen = np.linspace(0, len(photos.crops) - 1, min(_PHOTOS, len(photos.crops))).astype(int)
    wholes = np.array([crops[0] for crops in paintings.by_painting])
    styles = wholes[np.linspace(0, len(wholes) - 1, min(_PAINTINGS, len(wholes))).astype(int)]
    codes = head(paintings.style_features[styles], training=False)
    rows = []
    for crop in photos.crops[chosen]:
        copies = tf.repeat(tf.cast(crop, tf.float32)[None], len(codes), axis=0)
        painted = encoding.to_uint8(transformer([copies, codes], training=False)).numpy()
        rows.append(np.concatenate([crop, *painted], axis=1))
    sheet = np.concatenate(rows)
    path.write_bytes(encoding.encode_png(tf.constant(sheet)).numpy())
    return tf.constant(sheet[None])
