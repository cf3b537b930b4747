"""Orders painted by a pushed style network, through LiteRT."""

import io
from pathlib import Path

import pytest
from easel_serving.orders.network import NetworkPainter
from easel_serving.orders.painter import Refused
from easel_serving.orders.wishes import parse
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.registry import Registry
from PIL import Image

from tests.serving import lite
from tests.serving.lite import png


@pytest.fixture(scope="module")
def paint(tmp_path_factory):
    painter = NetworkPainter(lite.push(tmp_path_factory.mktemp("tflite")).root)
    return lambda fields, photo, mask=None: painter(parse(fields), photo, mask, lambda share: None)


def test_the_picture_has_the_format_and_size_that_was_asked_for(paint) -> None:
    picture, suffix, by = paint({"style": "grey", "size": "96", "format": "png"}, png("red"))
    assert (suffix, by["model"], by["version"]) == (".png", "tint", 1)
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.format, image.size) == ("PNG", (96, 48))
        assert image.convert("RGB").getextrema() == ((128, 128),) * 3


def test_no_photo_lies_in_a_temporary_folder_where_a_kill_would_leave_it(paint, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    assert paint({"style": "grey"}, png("red"), png("white", (40, 20)))


@pytest.mark.parametrize("photo", [b"", b"no image", png("red")[:40]])
def test_a_photo_that_cannot_be_read_is_the_orders_fault(paint, photo) -> None:
    with pytest.raises(Refused, match=r"^photo: "):
        paint({"style": "grey"}, photo)


def test_a_style_is_a_name_and_never_a_file(paint, tmp_path: Path) -> None:
    painting = tmp_path / "painting.png"
    painting.write_bytes(png("blue"))
    with pytest.raises(ServingError, match=r"painting\.png"):
        paint({"style": str(painting)}, png("red"))


def test_a_style_that_this_version_does_not_know_may_be_known_to_another_worker(paint) -> None:
    with pytest.raises(ServingError, match=r"nowhere: neither .* that tint version 1 knows") as raised:
        paint({"style": "nowhere"}, png("red"))
    assert not isinstance(raised.value, Refused)


def test_an_order_says_which_version_painted_it(tmp_path_factory) -> None:
    root = tmp_path_factory.mktemp("versions")
    directory = lite.push(root)
    painter, seen = NetworkPainter(directory.root), []
    for number in (1, 2):
        *_, by = painter(parse({"style": "grey"}), png("red"), None, lambda share: None)
        assert (by["model"], by["version"], len(by["digest"]) > 8) == ("tint", number, True)
        seen.append(by["digest"])
        if number == 1:
            manifest = {"kind": "style", "tflite": directory.version("tint", 1).manifest["tflite"]}
            (root / "model/saved_model.pb").write_text("another")
            registry = Registry(directory.root)
            registry.push("tint", root / "model", manifest, attachments=root / "style")
            registry.promote("tint", 2)
    assert seen[0] != seen[1]


def test_strokes_too_fine_for_the_photo_are_the_orders_fault(paint, monkeypatch) -> None:
    monkeypatch.setattr("easel_serving.images.prepare.MAX_PIXELS", 5000)
    with pytest.raises(Refused, match="brush: 40 x 20 pixels are too many"):
        paint({"style": "grey", "brush": "64"}, png("red"))


def test_a_print_fits_its_paper_and_says_its_resolution(paint) -> None:
    picture, *_ = paint({"style": "grey", "paper": "A6", "dpi": "36"}, png("red"))
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.size, image.info["dpi"]) == ((210, 105), (36, 36)), "the longer side decides"
    picture, *_ = paint({"style": "grey", "paper": "5x20cm", "dpi": "36", "format": "tiff"}, png("red"))
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.size, image.info["dpi"]) == ((142, 71), (36, 36)), "the shorter side decides"


def test_only_what_a_mask_shows_is_painted(paint) -> None:
    with io.BytesIO() as file:
        mask = Image.new("L", (40, 20))
        mask.paste(255, (0, 0, 20, 20))
        mask.save(file, "PNG")
        picture, *_ = paint({"style": "grey", "format": "png"}, png("red"), file.getvalue())
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.getpixel((5, 5)), image.getpixel((35, 5))) == ((128, 128, 128), (255, 0, 0))


def test_only_the_subject_or_the_background_is_painted(paint) -> None:
    with io.BytesIO() as file:
        photo = Image.new("RGB", (90, 60), "white")
        photo.paste((200, 0, 0), (30, 20, 60, 40))
        photo.save(file, "PNG")
        data = file.getvalue()
    seen = {}
    for only in ("subject", "background"):
        picture, *_ = paint({"style": "grey", "format": "png", "only": only}, data)
        with Image.open(io.BytesIO(picture)) as image:
            seen[only] = image.getpixel((45, 30)), image.getpixel((5, 5))
    grey = (128, 128, 128)
    assert seen == {"subject": (grey, (255, 255, 255)), "background": ((200, 0, 0), grey)}


@pytest.mark.parametrize(
    ("fields", "mask", "said"),
    [
        ({"only": "subject"}, None, "no subject was found"),
        ({}, b"no image", "mask: "),
        ({}, png("white", (10, 40)), "mask: a mask of 10 x 40 pixels does not fit a photo of 40 x 20"),
    ],
)
def test_a_mask_that_cannot_be_is_the_orders_fault(paint, fields, mask, said) -> None:
    with pytest.raises(Refused, match=said):
        paint({"style": "grey", **fields}, png("red"), mask)
    assert paint({"style": "grey", "only": "subject", "or_all": "true"}, png("red"))


def test_the_network_that_ships_paints_before_any_was_pushed(tmp_path: Path) -> None:
    from easel_serving import shipped

    painter = NetworkPainter(tmp_path / "serving")
    wishes = parse({"style": shipped.version().styles[0], "size": 64})
    picture, suffix, by = painter(wishes, png("red"), None, lambda share: None)
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.size, suffix, by["model"]) == ((64, 32), ".jpg", shipped.NAME)
