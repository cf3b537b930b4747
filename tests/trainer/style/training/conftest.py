"""A judge of random weights, and four crops of noise that a learner draws from."""

import numpy as np
import pytest

from trainer.style.input.pools import PaintingPool, PhotoPool
from trainer.style.perceptual.network import Perceptual


@pytest.fixture(scope="module")
def judge():
    return Perceptual("none", "reflect")


@pytest.fixture(scope="module")
def data(judge):
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    found = judge(crops.astype(np.float32))
    moments = {name: (v.numpy().mean((1, 2)), v.numpy().std((1, 2))) for name, v in found.items()}
    features = rng.normal(0, 1, (4, 5)).astype(np.float32)
    photos = PhotoPool(crops, found["block4_conv1"].numpy().astype(np.float16), features, np.ones(4, np.float32))
    return photos, PaintingPool(np.array([0, 0, 1, 1]), features, moments, {})
