import numpy as np
import pytest
from PIL import Image

from pipeline.pages.contact_sheet.sheet import APART, CAPTION, GAP, MARGIN, TILE, Confusion, Gallery, contact_sheet

CONFUSION = Confusion(["cat", "dog"], np.array([[8, 2], [0, 5]]))


def flat(*colour, shape=(30, 50)):
    return np.full((*shape, 3), colour, np.uint8)


GALLERY = Gallery(
    photos=[flat(200, 0, 0), flat(0, 200, 0, shape=(400, 100))],
    paintings=[flat(0, 0, 200), flat(90, 90, 0), flat(0, 90, 90)],
    stylised=[[flat(10 * row + 100, 10 * column + 100, 50) for column in range(3)] for row in range(2)],
    painting_names=["wave", "a name that is far too long to stand above one painting", ""],
)


def read(path):
    return np.asarray(Image.open(path))


def test_every_picture_is_at_its_place(tmp_path):
    contact_sheet(tmp_path / "s.png", "t", GALLERY, CONFUSION)
    sheet = read(tmp_path / "s.png")
    left, top = MARGIN + TILE + APART + TILE // 2, MARGIN + 60 + CAPTION + TILE + APART + TILE // 2
    for row in range(2):
        for column in range(3):
            pixel = sheet[top + row * (TILE + GAP), left + column * (TILE + GAP)]
            assert tuple(pixel) == (10 * row + 100, 10 * column + 100, 50)
    assert tuple(sheet[top, MARGIN + TILE // 2]) == (200, 0, 0)
    assert tuple(sheet[MARGIN + 60 + CAPTION + TILE // 2, left]) == (0, 0, 200)


def test_either_model_alone_has_a_sheet(tmp_path):
    contact_sheet(tmp_path / "a.png", "t", GALLERY, None)
    contact_sheet(tmp_path / "b.png", "t", None, CONFUSION)
    contact_sheet(tmp_path / "c.png", "t", GALLERY, CONFUSION)
    heights = [read(tmp_path / f"{name}.png").shape[0] for name in "abc"]
    assert heights[2] > max(heights[:2])
    with pytest.raises(ValueError, match="a contact sheet needs"):
        contact_sheet(tmp_path / "d.png", "t", None, None)


@pytest.mark.parametrize("classes", [1, 40])
def test_any_number_of_classes(tmp_path, classes):
    labels = [f"class {index}" for index in range(classes)]
    contact_sheet(tmp_path / "s.png", "t", None, Confusion(labels, np.zeros((classes, classes), int)))
    assert read(tmp_path / "s.png").std() > 0
