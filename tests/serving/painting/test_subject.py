"""Subjects that are found without a mask."""

import cv2
import numpy as np
import pytest
from easel_serving.painting.part import Part
from easel_serving.painting.subject import NoSubject, mask, masked
from easel_serving.protocol.errors import ServingError

GREY = np.full((200, 300, 3), 128, np.uint8)


def _disc(x: int, y: int) -> np.ndarray:
    return cv2.circle(GREY.copy(), (x, y), 40, (200, 30, 30), -1)


def test_the_subject_in_the_middle_is_found_with_a_soft_edge() -> None:
    found = mask(_disc(150, 100))
    assert (found.shape, found.dtype) == ((200, 300), np.uint8)
    true = _disc(150, 100)[..., 0] == 200
    assert (found > 127).sum() == pytest.approx(true.sum(), rel=0.05)
    assert ((found > 127) != true).mean() < 0.01
    assert 0 < np.count_nonzero((found > 0) & (found < 255)) < true.sum()


def test_a_box_says_where_it_is() -> None:
    found = mask(_disc(50, 50), (5, 5, 90, 90))
    assert (found[50, 50], found[150, 200]) == (255, 0)


def test_a_large_photo_has_a_mask_of_its_size() -> None:
    large = cv2.resize(_disc(150, 100), (1500, 1000))
    assert mask(large).shape == (1000, 1500)
    assert masked(cv2.resize(large, None, fx=0.5, fy=0.5), Part(box=(450, 250, 600, 500)), 0.5)[250, 375] == 255


@pytest.mark.parametrize(
    "photo",
    [
        GREY,
        np.random.default_rng(0).integers(0, 256, GREY.shape, dtype=np.uint8),
        np.broadcast_to(np.linspace(0, 255, 300).astype(np.uint8)[None, :, None], GREY.shape).copy(),
        GREY[:3, :3],
        GREY[:1, :1],
    ],
    ids=["flat", "noise", "gradient", "3 x 3", "1 x 1"],
)
def test_where_nothing_stands_out_it_is_said(photo: np.ndarray) -> None:
    with pytest.raises(NoSubject, match="no subject was found"):
        masked(photo, Part())
    assert masked(photo, Part(or_all=True)) is None


def test_the_background_is_the_rest() -> None:
    photo = _disc(150, 100)
    assert np.array_equal(masked(photo, Part(background=True)), 255 - masked(photo, Part()))


def test_a_box_outside_of_the_photo_is_refused() -> None:
    with pytest.raises(ServingError, match="300 x 200 pixels"):
        mask(GREY, (400, 0, 10, 10))
    with pytest.raises(NoSubject, match="no background around it"):
        mask(GREY, (0, 0, 300, 200))
