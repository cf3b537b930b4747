"""The network begins as bicubic interpolation, learns, and is read back as it was written."""

import keras
import numpy as np
import pytest
from PIL import Image

from trainer.base.errors import UserError
from trainer.superresolution import network
from trainer.superresolution.learning import Learner

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 44), dtype=np.uint8)


def enlarged(factor, weights):
    padded = np.pad(PICTURE, network.REACH, mode="edge")[np.newaxis, ..., np.newaxis].astype(np.float32)
    return network.Enlarger(factor, weights)(padded).numpy()[0, ..., 0]


@pytest.mark.parametrize("factor", network.FACTORS)
def test_it_begins_as_pillows_bicubic_enlargement(factor):
    found = enlarged(factor, network.initial(factor, 0))
    size = factor * PICTURE.shape[1], factor * PICTURE.shape[0]
    wanted = np.asarray(Image.fromarray(PICTURE).convert("F").resize(size, Image.BICUBIC))
    inner = slice(3 * factor, -3 * factor)  # at edges Pillow leaves out what is not there
    np.testing.assert_allclose(found[inner, inner], wanted[inner, inner], atol=0.01)


@pytest.mark.parametrize("factor", network.FACTORS)
def test_no_pixel_sees_farther_than_it_is_said(factor):
    rng = np.random.default_rng(1)
    weights = {name: value + rng.normal(0, 0.05, value.shape) for name, value in network.initial(factor, 0).items()}
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    side = 2 * network.REACH + 1
    before, after = np.full((2, 1, side + 2, side, 1), 128.0, np.float32)
    after[0, 0] = 255
    found = [network.Enlarger(factor, weights)(each).numpy()[0, :, :, 0] for each in (before, after)]
    changed = np.abs(found[0] - found[1]).max(axis=1) > 0
    np.testing.assert_array_equal(changed, np.arange(3 * factor) < factor)


def test_it_learns():
    large = np.kron(np.random.default_rng(2).integers(0, 2, (4, 24, 24)), np.ones((4, 4))) * 255.0
    small = np.stack([np.asarray(Image.fromarray(each).resize((48, 48), Image.BICUBIC)) for each in large])
    learner = Learner(2, network.initial(2, 0), keras.optimizers.Adam(2e-3), "float32")
    losses = [learner.fit(small, large) for _ in range(12)]
    assert losses[-1] < 0.9 * losses[0]
    assert learner.learned.steps == 12
    other = Learner(2, network.initial(2, 1), keras.optimizers.Adam(2e-3), "float32")
    other.learned.restore(learner.learned.state())
    assert other.fit(small, large) == pytest.approx(learner.fit(small, large))


def test_weights_are_read_back_and_others_refused(tmp_path):
    weights = network.initial(4, 3)
    network.write(tmp_path / "x4.safetensors", 4, weights)
    factor, found = network.read(tmp_path / "x4.safetensors")
    assert factor == 4
    for name, value in weights.items():
        np.testing.assert_allclose(found[name], value, atol=1e-3)
    network.write(tmp_path / "other.safetensors", 2, weights)
    with pytest.raises(UserError, match="of another shape"):
        network.read(tmp_path / "other.safetensors")
    assert set(network.body(weights)) == {name for name in weights if not name.startswith("last")}
