import io

import numpy as np
import pytest
from easel_serving.images import arrays
from PIL import Image


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)


@pytest.mark.parametrize("aspect", ["squash", "crop", "pad"])
@pytest.mark.parametrize("size", [(16, 16), (48, 24)])
def test_resizes_as_the_served_graph_does(photo, aspect, size):
    resizing = pytest.importorskip("trainer.images.resizing")
    ours, graphs = arrays.resize(photo, *size, aspect), resizing.resize(photo, *size, aspect).numpy()
    assert ours.shape == graphs.shape
    np.testing.assert_allclose(ours.astype(int), graphs, atol=2)


def test_a_mirrored_photo_comes_back_and_has_no_seam(photo):
    square = arrays.mirrored(photo, 64)
    assert square.shape == (64, 64, 3)
    np.testing.assert_array_equal(arrays.unmirrored(square, *photo.shape[:2]), photo)
    top = (64 - 37) // 2
    np.testing.assert_array_equal(square[top - 1], square[top])
    np.testing.assert_array_equal(arrays.mirrored(photo[:2], 64)[31:33, 5:58], photo[:2])


def test_bounds_as_the_served_graph_does(photo):
    resizing = pytest.importorskip("trainer.images.resizing")
    np.testing.assert_allclose(arrays.bound(photo, 20).astype(int), resizing.bound(photo, 20), atol=2)


def test_bound_keeps_proportions_and_never_enlarges(photo):
    assert arrays.bound(photo, 53) is photo
    assert arrays.bound(photo, 20).shape == (14, 20, 3)
    assert arrays.bound(np.zeros((1, 500, 3), np.uint8), 20).shape == (1, 20, 3)


def test_encodes(photo):
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(arrays.encode(photo, "png")))), photo)
    jpeg = Image.open(io.BytesIO(arrays.encode(photo, "jpeg")))
    assert (jpeg.format, jpeg.size) == ("JPEG", (53, 37))
