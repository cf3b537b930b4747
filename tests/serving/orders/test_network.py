"""Orders painted by a pushed style network, through LiteRT."""

import io
from pathlib import Path

import pytest
from easel_serving.orders.network import NetworkPainter
from easel_serving.orders.painter import Refused
from easel_serving.orders.wishes import parse
from PIL import Image

from tests.serving import lite
from tests.serving.lite import png


@pytest.fixture(scope="module")
def paint(tmp_path_factory):
    painter = NetworkPainter(lite.push(tmp_path_factory.mktemp("tflite")).root)
    return lambda fields, photo, mask=None: painter(parse(fields), photo, mask, lambda share: None)


def test_the_picture_has_the_format_and_size_that_was_asked_for(paint) -> None:
    picture, suffix, by = paint({"style": "grey", "size": "96", "format": "png"}, png("red"))
    assert (suffix, by) == (".png", {"model": "tint", "version": 1})
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.format, image.size) == ("PNG", (96, 48))
        assert image.convert("RGB").getextrema() == ((128, 128),) * 3


@pytest.mark.parametrize("photo", [b"", b"no image", png("red")[:40]])
def test_a_photo_that_cannot_be_read_is_the_orders_fault(paint, photo) -> None:
    with pytest.raises(Refused, match=r"^photo: "):
        paint({"style": "grey"}, photo)


def test_a_style_is_a_name_and_never_a_file(paint, tmp_path: Path) -> None:
    painting = tmp_path / "painting.png"
    painting.write_bytes(png("blue"))
    with pytest.raises(Refused, match=r"painting\.png"):
        paint({"style": str(painting)}, png("red"))
