"""`easel paint`, with a perceptual network of random weights."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("tensorflow")

from pipeline.cli import main

QUICK = [
    *("--set", "style.perceptual.weights=none"),
    *("--set", "style.paint.steps_per_scale=2"),
    *("--set", "style.paint.smallest_side=32"),
]


def easel(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    for name, shape in (("photo.jpg", (60, 90, 3)), ("sea.png", (40, 40, 3)), ("wood.png", (30, 50, 3))):
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(name, dpi=(300, 300))
    Image.new("L", (30, 20)).save("mask.png")


def test_a_picture_of_two_paintings(tmp_path):
    result = easel(
        *("paint", "--content", "photo.jpg", "--style", "sea.png=2", "--style", "wood.png", "--size", "48"),
        *("--keep-colours", "luminance", "-o", "out.png", *QUICK),
    )
    assert (result.exit_code, result.stdout) == (0, "out.png\n")
    with Image.open("out.png") as picture:
        assert picture.size == (48, 32)
        assert round(picture.info["dpi"][0]) == 300


def test_a_print_is_painted_small_and_enlarged():
    result = easel(
        *("paint", "--content", "photo.jpg", "--style", "sea.png", "--size", "48", "--super-resolution", "off"),
        *("--print", "10x10cm", "--dpi", "50", "--bleed", "5.08", "-o", "out.png", *QUICK),
    )
    assert result.exit_code == 0, result.output
    with Image.open("out.png") as picture:
        assert picture.size == (197 + 20, 131 + 20)
        assert round(picture.info["dpi"][0]) == 50


def test_a_black_mask_leaves_the_photo():
    easel(
        "paint",
        "--content",
        "photo.jpg",
        "--style",
        "sea.png",
        "--mask",
        "mask.png",
        "--size",
        90,
        "-o",
        "out.png",
        *QUICK,
    )
    difference = np.asarray(Image.open("out.png")).astype(int) - np.asarray(Image.open("photo.jpg"))
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--style", "starry"], "starry: no such file; a painting's name is not enough here"),
        (["--style", "sea.png", "--set", "style.paint.stepz=2"], "style.paint.stepz: unknown key"),
        (["--style", "sea.png", "--set", "style.perceptual.weights=none.h5"], "no such file"),
        (["--style", "sea.png", "--config", "none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_wrong_use_is_one_line(arguments, expected):
    result = easel("paint", "--content", "photo.jpg", "-o", "out.png", *arguments)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
