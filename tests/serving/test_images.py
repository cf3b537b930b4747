import io

import numpy as np
import pytest
from easel_serving import images
from easel_serving.errors import ServingError
from PIL import Image


def encode(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def photo():
    """40 x 20, left half red, right half blue."""
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20, 0] = pixels[:, 20:, 2] = 255
    return Image.fromarray(pixels)


def decoded(data):
    image = Image.open(io.BytesIO(data))
    assert image.format in ("JPEG", "PNG")
    assert image.mode in ("RGB", "L")
    return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize(("format", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("PNG", "L")])
def test_what_the_graph_decodes_passes_unchanged(photo, format, mode):
    data = encode(photo.convert(mode), format)
    assert images.convert(data) == data


@pytest.mark.parametrize(
    ("format", "mode"),
    [("WEBP", "RGB"), ("TIFF", "RGB"), ("GIF", "P"), ("BMP", "RGB"), ("JPEG", "CMYK"), ("PNG", "P"), ("TIFF", "CMYK")],
)
def test_other_formats_keep_their_colours(photo, format, mode):
    options = {"lossless": True} if format == "WEBP" else {}
    result = decoded(images.convert(encode(photo.convert(mode), format, **options)))
    assert result.shape == (20, 40, 3)
    np.testing.assert_allclose(result[:, [5, 35]], np.broadcast_to([[255, 0, 0], [0, 0, 255]], (20, 2, 3)), atol=12)


def test_heic_is_read(photo):
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(photo.resize((80, 40))).save(buffer, quality=95)
    result = decoded(images.convert(buffer.getvalue()))
    assert result.shape == (40, 80, 3)
    assert np.abs(result[20, 10] - [255, 0, 0]).max() < 40


def test_orientation_is_applied_where_the_graph_does_not(photo):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned 90 degrees clockwise: red is on top then
    turned = encode(photo, "JPEG", exif=exif)
    assert images.convert(turned) == turned
    for format in ("PNG", "WEBP", "TIFF"):
        result = decoded(images.convert(encode(photo, format, exif=exif)))
        assert result.shape == (40, 20, 3)
        assert np.abs(result[5, 10] - [255, 0, 0]).max() < 30


def test_transparent_is_white_and_16_bits_become_8(photo):
    rgba = photo.convert("RGBA")
    rgba.putalpha(0)
    assert (decoded(images.convert(encode(rgba, "PNG"))) == 255).all()
    deep = Image.fromarray(np.full((4, 4), 0x8000, np.uint16))
    assert (decoded(images.convert(encode(deep, "PNG"))) == 0x80).all()


def test_what_is_no_image_is_one_clear_line(photo, tmp_path, monkeypatch):
    jpeg = encode(photo.resize((400, 200)), "JPEG")
    for data, message in (
        (b"hello", "not an image in a known format"),
        (b"", "not an image"),
        (jpeg[:-900], "truncated"),
    ):
        path = tmp_path / "cat.jpg"
        path.write_bytes(data)
        with pytest.raises(ServingError, match=f"cat.jpg: .*{message}"):
            images.read(path)
    with pytest.raises(ServingError, match=r"dog\.jpg: No such file"):
        images.read(tmp_path / "dog.jpg")
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    with pytest.raises(ServingError, match="400 x 200 pixels"):
        images.convert(jpeg)
