"""Pictures in tiles without seams, by networks that are known and by those that ship."""

import sys

import cv2
import numpy as np
import pytest
from easel_serving import shipped
from easel_serving.painting import enlarging
from easel_serving.protocol.errors import ServingError

RNG = np.random.default_rng(5)


def looks_around(factor, sharpness=0.0):
    """A network whose every pixel depends on all that it may look at."""
    kernel = np.outer(*[np.hanning(2 * enlarging.REACH + 3)[1:-1]] * 2)
    kernel /= kernel.sum()

    def network(luminance):
        assert luminance.dtype == np.float32
        inner = slice(enlarging.REACH, -enlarging.REACH)
        blurred = cv2.filter2D(luminance, -1, kernel)[inner, inner]
        mixed = luminance[inner, inner] + sharpness * (luminance[inner, inner] - blurred)
        return np.kron(mixed, np.ones((factor, factor), np.float32))

    return network


@pytest.mark.parametrize(("height", "width"), [(70, 41), (33, 32), (5, 90), (1, 1)])
@pytest.mark.parametrize("factor", [2, 4])
def test_tiles_are_what_one_piece_is(factor, height, width):
    picture = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    network = looks_around(factor, 2.0)
    whole, tiled = (enlarging.enlarged(picture, factor, network, side) for side in (512, 16))
    assert whole.shape == (factor * height, factor * width, 3)
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_luminance_is_the_networks_and_colours_stay():
    red = np.zeros((20, 20, 3), np.uint8) + np.uint8([180, 40, 60])
    brighter = enlarging.enlarged(red, 2, lambda part: looks_around(2)(part) + 20)
    np.testing.assert_array_equal(brighter, np.full((40, 40, 3), (200, 60, 80)))


@pytest.mark.parametrize(
    ("height", "width", "used"), [(60, 80, []), (90, 120, [2]), (120, 160, [2]), (121, 160, [4]), (700, 900, [4, 4])]
)
def test_the_factors_that_are_needed_are_used(height, width, used):
    asked = []

    def network(factor):
        return lambda part: asked.append(factor) or looks_around(factor)(part)

    picture = np.full((60, 80, 3), 99, np.uint8)
    made = enlarging.SuperResolution({4: network(4), 2: network(2)})(picture, height, width)
    assert made.shape == (height, width, 3)
    assert (made == 99).all()
    assert list(dict.fromkeys(asked)) == list(dict.fromkeys(used))
    reduced = enlarging.SuperResolution({2: None})(picture, 30, 40)
    assert reduced.shape == (30, 40, 3)


def test_without_litert_pictures_are_interpolated_unless_the_network_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert enlarging.chosen() is enlarging.chosen(False) is enlarging.bicubic
    with pytest.raises(ServingError, match="needs LiteRT"):
        enlarging.chosen(True)


@pytest.mark.parametrize("factor", [2, 4])
def test_what_ships_beats_interpolation_without_a_seam(factor):
    pytest.importorskip("ai_edge_litert")
    drawn = np.full((192, 256, 3), 230, np.uint8)
    for number in range(12):
        centre, ink = tuple(map(int, RNG.integers(20, 180, 2))), tuple(map(int, RNG.integers(0, 200, 3)))
        cv2.ellipse(drawn, centre, (12 + 6 * number, 20), 15 * number, 0, 360, ink, 3, cv2.LINE_AA)
    small = cv2.resize(drawn, (256 // factor, 192 // factor), interpolation=cv2.INTER_AREA)
    sharp = enlarging.super_resolution()(small, 192, 256)
    errors = [np.mean((made.astype(float) - drawn) ** 2) for made in (sharp, enlarging.bicubic(small, 192, 256))]
    assert errors[0] < errors[1]
    from easel_serving.models.tflite.enlarger import Enlarger

    network = Enlarger(shipped.enlargers()[factor])
    whole, tiled = (enlarging.enlarged(small, factor, network, side) for side in (512, 24))
    assert np.abs(whole.astype(int) - tiled).max() <= 1
