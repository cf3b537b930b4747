import numpy as np
import tensorflow as tf

from tests.trainer.style.conftest import noise
from trainer.style.input import colours


def to_lab(rgb):
    """Equations 4 to 6 of Reinhard et al. 2001, written out."""
    r, g, b = np.moveaxis(np.maximum(rgb / 255, 1 / 255), -1, 0)
    long = np.log10(0.3811 * r + 0.5783 * g + 0.0402 * b)
    medium = np.log10(0.1967 * r + 0.7244 * g + 0.0782 * b)
    short = np.log10(0.0241 * r + 0.1288 * g + 0.8444 * b)
    return np.stack(
        [
            (long + medium + short) / np.sqrt(3),
            (long + medium - 2 * short) / np.sqrt(6),
            (long - medium) / np.sqrt(2),
        ],
        -1,
    )


def soft(seed, low, high):
    return (low + noise(20, 30, seed) / 255.0 * (high - low)).astype(np.uint8)


def test_statistics_become_the_painting_s():
    photo, painting = soft(1, 60, 120), soft(2, 90, 200)
    found = to_lab(colours.transfer(photo, painting, tf.constant(1.0)).numpy())
    wanted = to_lab(painting)
    np.testing.assert_allclose(found.mean((0, 1)), wanted.mean((0, 1)), atol=0.01)
    np.testing.assert_allclose(found.std((0, 1)), wanted.std((0, 1)), atol=0.01)


def test_strength_0_is_the_photo():
    photo = soft(1, 60, 120)
    found = colours.transfer(photo, soft(2, 90, 200), tf.constant(0.0)).numpy()
    assert np.abs(found.astype(int) - photo).max() <= 1


def test_one_colour_takes_the_painting_s_mean():
    grey = np.full((8, 8, 3), 100, np.uint8)
    found = colours.transfer(grey, np.full((8, 8, 3), (200, 50, 20), np.uint8), tf.constant(1.0)).numpy()
    assert np.abs(found.astype(int) - [200, 50, 20]).max() <= 3
