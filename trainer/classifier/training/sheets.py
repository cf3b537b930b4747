"""A sheet of augmented photos, for a person to see what the network is shown."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from trainer.images import encoding

_PHOTOS, _VIEWS, _SIDE = 6, 7, 128


def write(path: Path, photos: tf.data.Dataset, augmented: tf.data.Dataset) -> None:
    """Writes a PNG: the photo itself on the left, then what training made of the like of it.

    Photos are (uint8 [S, S, 3], label), unchanged; `augmented` are batches (float32 [N, S, S, 3], ...) as training gets
    them, in its own random order.
    """
    plain = np.stack([image.numpy() for image, _ in photos.take(_PHOTOS)])
    changed: list[np.ndarray] = []
    for batch, *_ in augmented.repeat():
        changed += list(batch.numpy())
        if len(changed) >= len(plain) * _VIEWS:
            break
    rows = [
        np.concatenate(
            [_tile(photo), *(_tile(each) for each in changed[index * _VIEWS : (index + 1) * _VIEWS])], axis=1
        )
        for index, photo in enumerate(plain)
    ]
    path.write_bytes(encoding.encode_png(tf.constant(np.concatenate(rows))).numpy())


def _tile(photo: np.ndarray) -> np.ndarray:
    return encoding.to_uint8(tf.image.resize(photo, [_SIDE, _SIDE], antialias=True)).numpy()
