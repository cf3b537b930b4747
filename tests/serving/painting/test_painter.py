"""Layers, tiles, masks and kept colours, with an engine whose pictures are known."""

import numpy as np
import pytest
from easel_serving.painting import masks, tiles
from easel_serving.painting.painter import Finish, Layer, paint, print_brush
from easel_serving.protocol.errors import ServingError
from PIL import Image


class Flat:
    """Paints everything in the code's grey; remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def part_painter(self, photo, code, strength):
        def part(box):
            self.asked.append((photo.shape, box))
            return np.full_like(photo[box], int(code[0]))

        return part

    known = encode = None


class Checks:
    """Paints a chessboard of single pixels."""

    known = encode = None

    def part_painter(self, photo, code, strength):
        board = np.indices(photo.shape[:2]).sum(0)[..., None] % 2 * np.full(3, 200)
        return lambda box: board[box].astype(np.uint8)


PHOTO = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def last(photo, layers, **wishes):
    return list(paint(Flat(), photo, layers, Finish(**wishes)))[-1]


def half(photo):
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[: len(mask) // 2] = 255
    return mask


def test_only_the_white_part_is_painted_and_regions_cover_what_is_below():
    mask = half(PHOTO)
    picture = last(PHOTO, [Layer(np.array([200]), mask)])
    assert (picture[:20] == 200).all()
    np.testing.assert_array_equal(picture[20:], PHOTO[20:])
    picture = last(PHOTO, [Layer(np.array([10])), Layer(np.array([200]), mask), Layer(np.array([90]), 0 * mask)])
    assert (picture[:20] == 200).all()
    assert (picture[20:] == 10).all()


def test_grey_in_a_mask_is_in_between():
    picture = last(0 * PHOTO, [Layer(np.array([100]), np.full(PHOTO.shape[:2], 128, np.uint8))])
    assert (picture == 50).all()


def test_what_is_not_painted_is_not_finished_either():
    picture = last(PHOTO, [Layer(np.array([200]), half(PHOTO))], sharpen=2.0)
    np.testing.assert_array_equal(picture[20:], PHOTO[20:])


def test_strength_leads_from_the_photo_to_the_picture():
    layers = [Layer(np.array([200]))]
    np.testing.assert_array_equal(last(PHOTO, layers, strength=0.0), PHOTO)
    between = last(PHOTO, layers, strength=0.125)
    assert np.abs(between - (PHOTO.astype(float) + 200) / 2).max() <= 0.5
    with pytest.raises(ServingError, match=r"strength 1\.5"):
        last(PHOTO, layers, strength=1.5)


def test_luminance_leaves_the_photos_colours():
    green = np.zeros((12, 12, 3), np.uint8) + np.uint8([20, 160, 40])
    picture = last(green, [Layer(np.array([120]))], keep_luminance=True)
    luminance = picture[0, 0] @ [0.299, 0.587, 0.114]
    assert luminance == pytest.approx(120, abs=1.5)
    np.testing.assert_allclose(picture[0, 0] - luminance, green[0, 0] - green[0, 0] @ [0.299, 0.587, 0.114], atol=2)


def test_a_small_picture_comes_first_and_parts_without_paint_are_skipped():
    photo = np.zeros((600, 1600, 3), np.uint8)
    mask = np.zeros((600, 1600), np.uint8)
    mask[:, :30] = 255
    engine = Flat()
    small, whole = paint(engine, photo, [Layer(np.array([7]), mask)])
    assert small.shape == (96, 256, 3)
    assert whole.shape == photo.shape
    assert (whole[:, :30] == 7).all()
    assert not whole[:, 30:].any()
    assert len([box for shape, box in engine.asked if shape == photo.shape]) == 1


def test_a_brush_of_twice_the_size_paints_strokes_of_twice_the_size():
    photo = np.zeros((40, 60, 3), np.uint8)
    fine, broad = (
        next(paint(Checks(), photo, [Layer(np.array([0]))], Finish(brush=brush))).astype(int) for brush in (256, 512)
    )
    assert np.abs(np.diff(fine, axis=0)).min() == 200
    assert np.abs(broad[5:35:2, 6] - broad[7:37:2, 6]).min() > 80
    # At strength 0 the photo is not touched, though it would be painted smaller.
    assert (last(PHOTO, [Layer(np.array([9]))], strength=0.0, brush=512) == PHOTO).all()


def test_what_is_painted_smaller_is_enlarged_by_a_whole_factor():
    asked = []

    def enlarge(picture, height, width):
        asked.append((picture.shape[:2], (height, width)))
        return np.kron(picture, np.ones((height // len(picture), width // picture.shape[1], 1), np.uint8))

    photo = np.zeros((601, 1599, 3), np.uint8)
    small, whole = paint(Flat(), photo, [Layer(np.array([7]))], Finish(brush=1024, enlarge=enlarge))
    assert asked == [((151, 400), (604, 1600))]  # the first picture shows the finest strokes that there are
    assert (small.shape, whole.shape) == ((96, 256, 3), photo.shape)
    assert (whole == 7).all()


@pytest.mark.parametrize(
    ("shape", "scale", "brush"),
    [
        ((853, 1280), 1.0, None),
        ((1200, 1800), 1.4, None),  # little more than the photo has
        ((1365, 2048), 1.6, 512),
        ((2048, 2048), 0.5, None),
        ((2480, 3508), 0.5, 512),  # larger than what is painted in one piece
        ((5906, 8268), 2.0, 1024),
        ((5906, 8268), 20.0, 1024),
    ],
)
def test_a_print_is_painted_no_larger_than_its_photo_and_enlarged(shape, scale, brush):
    assert print_brush(shape, scale) == brush


def test_boxes_cover_a_picture_once():
    seen = np.zeros((100, 70), int)
    for box in tiles.boxes(100, 70, 32):
        seen[box] += 1
        outer = tiles.around(box, 16, 100, 70)
        np.testing.assert_array_equal(np.zeros_like(seen)[outer][tiles.inside(box, outer)].shape, seen[box].shape)
    assert (seen == 1).all()


@pytest.mark.parametrize("size", [768, 772, 1504, 2000, 4000])
def test_surroundings_are_of_one_size_and_wide_enough(size):
    found = set()
    for rows, columns in [*tiles.boxes(size - 3, 64), (slice(0, size - 3), slice(0, 64))]:
        outer, across = tiles.around((rows, columns), 56, size, 64)
        assert outer.start % 4 == outer.stop % 4 == 0
        assert outer.start <= max(0, rows.start - 56)
        assert outer.stop >= min(size, rows.stop + 56)
        assert across == slice(0, 64)
        found.add(outer.stop - outer.start)
    assert found <= {size, min(found)}


def test_masks_of_another_size_are_resized_and_of_another_shape_refused(tmp_path):
    mask = np.zeros((20, 30, 4), np.uint8)
    mask[..., :3] = 255
    mask[:, 15:, 3] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    found = masks.read(tmp_path / "mask.png", 40, 60)
    assert found.shape == (40, 60)
    assert found[:, :28].max() == 0  # transparent, though white
    assert found[:, 32:].min() == 255
    with pytest.raises(ServingError, match=r"mask\.png: a mask of 30 x 20 pixels does not fit a photo of 60 x 60"):
        masks.read(tmp_path / "mask.png", 60, 60)
