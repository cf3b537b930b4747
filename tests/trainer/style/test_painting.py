"""`easel_serving.painting` with a network of ours: any size, and no seams."""

import numpy as np
import pytest
import tensorflow as tf
from easel_serving.errors import ServingError
from easel_serving.painting import painter, tiles
from easel_serving.painting.saved_model import LocalEngine

from tests.trainer.style.conftest import noise

CODE = np.linspace(-2, 2, 8).astype(np.float32)


@pytest.fixture(scope="module")
def engine(served, tmp_path_factory):
    folder = tmp_path_factory.mktemp("painting") / "model"
    tf.saved_model.save(served, str(folder), {"encode_style": served.encode_style})
    return LocalEngine(folder, {"sea": CODE.tolist()}, "tiny version 1")


@pytest.mark.parametrize(
    "photo",
    [
        noise(8, 8),
        noise(1, 700),
        np.full((33, 70, 3), 90, np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.full((64, 66, 3), 255, np.uint8),
    ],
)
@pytest.mark.parametrize("strength", [0.2, 1.0])
def test_small_narrow_and_uniform_photos_are_painted(engine, photo, strength):
    [picture] = [made for made in painter.paint(engine, photo, [painter.Layer(CODE)], painter.Finish(strength))][-1:]
    assert picture.shape == photo.shape
    assert picture.dtype == np.uint8


def test_tiles_have_no_seams(engine, served):
    photo = noise(90, 1000, 7)
    whole = np.pad(photo, [(0, 2), (0, 0), (0, 0)], mode="symmetric")
    expected = served.paint_part(whole, CODE, served.measure(whole, CODE)["statistics"]).numpy()[:90]
    assert len(list(tiles.boxes(90, 1000))) == 2
    picture = tiles.assembled(engine.part_painter(photo, CODE, 1.0), 90, 1000)
    np.testing.assert_allclose(picture, expected, atol=1)


def test_a_painting_in_its_own_style_and_uniform_paintings_have_finite_codes(engine):
    for painting in (noise(8, 8), np.zeros((50, 20, 3), np.uint8), np.full((300, 9, 3), 255, np.uint8)):
        assert np.isfinite(engine.encode(painting)).all()


def test_unknown_names_and_old_versions_are_one_line(engine, tmp_path):
    with pytest.raises(ServingError, match=r"Sae: neither a file nor .* tiny version 1 knows; did you mean sea\?"):
        engine.known("Sae")
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(ServingError, match="old version 3 only paints whole pictures"):
        LocalEngine(tmp_path, {}, "old version 3")
