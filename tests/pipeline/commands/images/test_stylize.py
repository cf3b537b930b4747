"""`easel stylize`: files and folders, regions, sizes, and what it refuses."""

import json

import pytest
from PIL import Image

from tests.pipeline.commands.command import easel


@pytest.fixture
def photo(tmp_path):
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / "p.jpg"
    Image.new("RGB", (640, 480), "white").save(path)
    return path


def grey(path):
    """The one grey of a picture, and its size and format."""
    with Image.open(path) as picture:
        [(_, (value, *_))] = picture.getcolors()
        return value, picture.size, picture.format


@pytest.mark.usefixtures("fake_models")
@pytest.mark.parametrize(("name", "format"), [("out.png", "PNG"), ("out.jpg", "JPEG"), ("out.tif", "TIFF")])
def test_stylize_writes_the_format_of_the_name_and_a_preview(photo, tmp_path, name, format):
    output, preview = tmp_path / name, tmp_path / "preview.png"
    arguments = ["--style", "wave=3", "--style", "night", "--preview", preview, "-o", output]
    result = easel("stylize", "--content", photo, *arguments)
    assert (result.exit_code, result.stdout) == (0, f"{output}\n")
    assert grey(output) == (50, (640, 480), format)
    assert grey(preview) == (50, (256, 192), "PNG")


@pytest.mark.usefixtures("fake_models")
def test_stylize_paints_a_region_at_a_size(photo, tmp_path):
    Image.new("L", (64, 48), "white").save(tmp_path / "mask.png")
    arguments = ["--style", "wave", "--region", tmp_path / "mask.png", "night", "--size", "1280", "--strength", "0.5"]
    easel("stylize", "--content", photo, *arguments, "-o", tmp_path / "out.png")
    assert grey(tmp_path / "out.png") == (40, (1280, 960), "PNG")


@pytest.mark.usefixtures("fake_models")
def test_stylize_paints_the_subject_for_a_print(tmp_path):
    photo = Image.new("RGB", (90, 60), "white")
    photo.paste((200, 0, 0), (30, 20, 60, 40))
    photo.save(tmp_path / "photo.png")
    arguments = ["--style", "wave", "--subject-only", "--box", "25,15,40,30", "--print", "10x10cm", "--dpi", "50"]
    result = easel("stylize", "--content", tmp_path / "photo.png", *arguments, "-o", tmp_path / "out.png")
    assert result.exit_code == 0, result.stderr
    with Image.open(tmp_path / "out.png") as picture:
        assert (picture.size, [round(dpi) for dpi in picture.info["dpi"]]) == ((197, 131), [50, 50])
        assert (picture.getpixel((98, 65)), picture.getpixel((9, 9))) == ((40, 40, 40), (255, 255, 255))


@pytest.mark.usefixtures("fake_models")
@pytest.mark.parametrize("way", [[], ["--super-resolution", "off"]])
def test_a_print_says_what_the_photo_cannot_give_and_has_its_bleed(photo, tmp_path, way):
    arguments = ["--style", "wave", "--print", "20x30cm", "--dpi", "100", "--bleed", "2.54", *way]
    result = easel("stylize", "--content", photo, *arguments, "-o", tmp_path / "out.png")
    assert result.exit_code == 0, result.stderr
    assert f"{photo}: the photo has 61 dpi at this size" in result.stderr
    assert grey(tmp_path / "out.png") == (40, (1069, 807), "PNG")
    result = easel("stylize", "--content", photo, "--style", "wave", "--dpi", "100", "-o", tmp_path / "out.png")
    assert "dpi at this size" not in result.stderr


@pytest.mark.usefixtures("fake_models")
def test_stylize_paints_a_folder_and_says_which_photos_it_could_not(photo, tmp_path):
    (photo.parent / "more").mkdir()
    Image.new("RGB", (8, 8)).save(photo.parent / "more" / "q.webp")
    (photo.parent / "broken.jpg").write_text("hello")
    result = easel("stylize", "--content", photo.parent, "--style", "wave", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stdout.split() == [str(tmp_path / "out" / name) for name in ("more/q.png", "p.jpg")]
    assert "broken.jpg: not an image" in result.stderr
    assert "1 of 3 photos could not be painted; the others are" in result.stderr
    assert grey(tmp_path / "out/more/q.png") == (40, (8, 8), "PNG")


@pytest.mark.usefixtures("fake_models")
@pytest.mark.parametrize(
    ("output", "extra", "expected"),
    [
        ("out.txt", ["--style", "wave"], "name an image file"),
        ("out.gif", ["--style", "wave"], "a GIF holds 256 colours"),
        ("none/out.png", ["--style", "wave"], "does not exist"),
        ("o.png", ["--style", "wave", "--strength", "1.5"], "not in the range"),
        ("o.png", [], "--style: name a painting"),
        ("o.png", ["--style", "wave=much"], "wave=much: the weight 'much' is not a positive number"),
        ("o.png", ["--style", "wave", "--mask", "none.png"], "none.png: No such file"),
        ("o.png", ["--style", "wave", "--subject-only"], "no subject was found in the photo"),
        ("o.png", ["--style", "wave", "--subject-only", "--mask", "m.png"], "--mask: goes without --subject-only"),
        ("o.png", ["--style", "wave", "--box", "1,2,3,4"], "--box: goes with --subject-only"),
        ("o.png", ["--style", "wave", "--background-only", "--box", "1,2,3"], "LEFT,TOP,WIDTH,HEIGHT"),
        ("o.png", ["--style", "wave", "--print", "10x10m"], "'10x10m' is no paper"),
        ("o.png", ["--style", "wave", "--print", "1000x1000cm"], "118110 pixels long; at most 12000"),
        ("o.png", ["--style", "wave", "--bleed", "3"], "--bleed: goes with --print, or with --dpi"),
        ("o.png", ["--style", "wave", "--dpi", "0"], "not in the range"),
        ("o.png", ["--style", "wave", "--dpi", "nan"], "'nan' is not a number"),
        ("o.png", ["--style", "wave", "--print", "A4", "--dpi", "inf"], "not in the range"),
        ("o.png", ["--style", "wave", "--print", "A4", "--bleed", "30"], "not in the range"),
        ("o.png", ["--style", "wave", "--subject-only", "--box", "900,0,10,10"], "outside of a photo of 640 x 480"),
        ("o.png", ["--style", "wave", "--print", "A4", "--size", "100"], "--print and --size: give one of them"),
    ],
)
def test_stylize_refuses_what_cannot_be(photo, tmp_path, output, extra, expected):
    result = easel("stylize", "--content", photo, *extra, "-o", tmp_path / output)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert list(tmp_path.iterdir()) == [photo.parent]


@pytest.mark.usefixtures("fake_models")
def test_an_unknown_painting_or_mask_is_said_once_for_a_folder(photo, tmp_path):
    for name in ("q.jpg", "r.jpg"):
        Image.new("RGB", (8, 8)).save(photo.parent / name)
    for arguments in (["--style", "sea"], ["--style", "wave", "--mask", "none.png"]):
        result = easel("stylize", "--content", photo.parent, *arguments, "-o", tmp_path / "out")
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)


@pytest.mark.usefixtures("fake_models")
def test_kept_colours_reach_the_painting(tmp_path):
    Image.new("RGB", (32, 32), (100, 100, 100)).save(tmp_path / "photo.png")
    Image.new("RGB", (32, 32), (200, 200, 200)).save(tmp_path / "sea.png")
    arguments = ["stylize", "--content", tmp_path / "photo.png", "--style", tmp_path / "sea.png", "-o"]
    easel(*arguments, tmp_path / "plain.png")
    easel(*arguments, tmp_path / "kept.png", "--keep-colours", "histogram")
    assert (grey(tmp_path / "plain.png")[0], grey(tmp_path / "kept.png")[0]) == (200, 100)


@pytest.mark.usefixtures("fake_models")
def test_stylize_in_json_has_every_photo(photo, tmp_path):
    (photo.parent / "broken.jpg").write_text("hello")
    result = easel("stylize", "--content", photo.parent, "--style", "wave", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == [
        {"path": str(photo.parent / "broken.jpg"), "error": "not an image in a known format"},
        {"path": str(photo), "output": str(tmp_path / "out" / "p.jpg")},
    ]
