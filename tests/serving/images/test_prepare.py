import io

import numpy as np
import pytest
from easel_serving.images import prepare
from easel_serving.protocol.errors import ServingError
from PIL import Image

from tests import orientations


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
    assert prepare.convert(data) == data


@pytest.mark.parametrize(
    ("format", "mode"),
    [("WEBP", "RGB"), ("TIFF", "RGB"), ("GIF", "P"), ("BMP", "RGB"), ("JPEG", "CMYK"), ("PNG", "P"), ("TIFF", "CMYK")],
)
def test_other_formats_keep_their_colours(photo, format, mode):
    options = {"lossless": True} if format == "WEBP" else {}
    result = decoded(prepare.convert(encode(photo.convert(mode), format, **options)))
    assert result.shape == (20, 40, 3)
    np.testing.assert_allclose(result[:, [5, 35]], np.broadcast_to([[255, 0, 0], [0, 0, 255]], (20, 2, 3)), atol=12)


def test_heic_is_read(photo):
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(photo.resize((80, 40))).save(buffer, quality=95)
    result = decoded(prepare.convert(buffer.getvalue()))
    assert result.shape == (40, 80, 3)
    assert np.abs(result[20, 10] - [255, 0, 0]).max() < 40


@pytest.mark.parametrize("name", orientations.turned())
def test_orientation_is_applied(name):
    data = orientations.turned()[name]
    orientations.assert_upright(prepare.pixels(data))
    sent = prepare.convert(data)
    assert (sent == data) == name.startswith(("jpeg", "mpo", "png_1", "png_only", "png_behind", "png_invalid"))
    orientations.assert_upright(prepare.pixels(sent))
    orientations.assert_upright(decoded(prepare.encode(data)))  # for a server that knows nothing of orientations
    if name != "tiff_only_in_xmp":  # which Pillow turns itself
        orientations.assert_upright(decoded(prepare.encode(Image.open(io.BytesIO(data)))))


def test_transparent_is_white_and_16_bits_become_8(photo):
    rgba = photo.convert("RGBA")
    rgba.putalpha(0)
    assert (decoded(prepare.convert(encode(rgba, "PNG"))) == 255).all()
    deep = Image.fromarray(np.full((4, 4), 0x8000, np.uint16))
    assert (decoded(prepare.convert(encode(deep, "PNG"))) == 0x80).all()


@pytest.mark.parametrize(
    "data",
    [
        encode(Image.new("F", (64, 64), 0.5), "TIFF"),
        encode(Image.new("I", (64, 64), 1 << 31), "TIFF"),
        encode(Image.new("I", (64, 64), 1000), "TIFF"),
    ],
)
def test_pixels_that_are_neither_of_8_nor_of_16_bits_are_refused(data):
    for call in (prepare.convert, prepare.pixels, prepare.encode):
        with pytest.raises(ServingError, match=r"photo\.tif: .*only 8 and 16 bits are read"):
            call(data, "photo.tif")


def test_what_starts_a_program_is_no_image():
    with pytest.raises(ServingError, match="not an image in a known format"):
        prepare.convert(encode(Image.new("RGB", (8, 8)), "EPS"))


def test_what_is_left_out_of_a_file_is_known(photo, tmp_path):
    (tmp_path / "scan.tif").write_bytes(encode(photo, "TIFF", save_all=True, append_images=[photo]))
    (tmp_path / "photo.jpg").write_bytes(encode(photo, "JPEG"))
    assert prepare.left_out(tmp_path / "scan.tif") == "pages"
    assert prepare.left_out(tmp_path / "photo.jpg") == ""


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
            prepare.read(path)
    with pytest.raises(ServingError, match=r"dog\.jpg: No such file"):
        prepare.read(tmp_path / "dog.jpg")
    monkeypatch.setattr(prepare, "MAX_PIXELS", 1000)
    with pytest.raises(ServingError, match="400 x 200 pixels"):
        prepare.convert(jpeg)
