"""What a picture's file keeps of its photo's."""

import errno
import io

import numpy as np
import pytest
from easel_serving.painting import files
from easel_serving.protocol.errors import ServingError
from PIL import Image, ImageCms, PdfParser

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PICTURE = np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.fixture
def photo(tmp_path):
    """Stored lying on its side, with a camera, a place and a resolution."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera & Co"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(PICTURE.transpose(1, 0, 2)).save(
        tmp_path / "photo.jpg", exif=exif, dpi=(300, 300), icc_profile=SRGB
    )
    return files.read(tmp_path / "photo.jpg")


@pytest.mark.parametrize("name", ["out.jpg", "out.png", "out.tif"])
def test_exif_dpi_and_profile_are_kept_and_the_picture_is_upright(photo, tmp_path, name):
    assert photo.pixels.shape == PICTURE.shape
    files.write(PICTURE, tmp_path / name, photo)
    found = Image.open(tmp_path / name)
    exif = found.getexif()
    assert exif[0x010F] == "Camera & Co"
    assert exif.get(0x0112, 1) == 1
    assert exif.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
    assert exif.get_ifd(0x8825)[1] == "N"
    assert [round(value) for value in found.info["dpi"]] == [300, 300]
    assert found.info["icc_profile"] == SRGB
    if name != "out.jpg":
        np.testing.assert_array_equal(np.asarray(found), PICTURE)
    assert not list(tmp_path.glob(".*"))


def test_a_print_gets_its_own_resolution_and_srgb_without_a_profile(tmp_path):
    files.write(PICTURE, tmp_path / "print.tif", dpi=240)
    found = Image.open(tmp_path / "print.tif")
    assert round(float(found.info["dpi"][0])) == 240
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(found.info["icc_profile"])))


def test_a_pdf_has_its_size_profile_and_where_it_is_cut(photo, tmp_path):
    files.write(PICTURE, tmp_path / "print.pdf", photo, dpi=72, bleed=3)
    with PdfParser.PdfParser(str(tmp_path / "print.pdf")) as pdf:
        [page] = pdf.pages
        page = pdf.read_indirect(page)
        assert page[b"MediaBox"] == [0, 0, 36, 26]
        assert page[b"TrimBox"] == [3, 3, 33, 23]
        image = pdf.read_indirect(page[b"Resources"][b"XObject"][b"picture"])
        kind, colours = image.dictionary[b"ColorSpace"]
        assert (kind.name, image.dictionary[b"Width"]) == (b"ICCBased", 36)
        assert pdf.read_indirect(colours).decode() == SRGB
        found = np.asarray(Image.open(io.BytesIO(image.buf))).astype(int)
    assert np.abs(found[3:-3, 3:-3] - PICTURE).mean() < 12


@pytest.mark.parametrize("name", ["out.png", "out.tif"])
def test_a_bleed_mirrors_the_picture_around_itself(tmp_path, name):
    alpha = np.arange(600, dtype=np.uint8).reshape(20, 30)
    logo = files.Photo(PICTURE, alpha)
    files.write(PICTURE, tmp_path / name, logo, dpi=300, bleed=5)
    found = np.asarray(Image.open(tmp_path / name))
    assert found.shape == (30, 40, 4)
    np.testing.assert_array_equal(found[5:-5, 5:-5], np.dstack([PICTURE, alpha]))
    np.testing.assert_array_equal(found[:5, 5:-5, :3], PICTURE[4::-1])


def test_transparency_is_kept_where_a_format_has_it(tmp_path):
    alpha = np.arange(600, dtype=np.uint8).reshape(20, 30)
    Image.fromarray(np.dstack([PICTURE, alpha])).save(tmp_path / "logo.png")
    logo = files.read(tmp_path / "logo.png")
    np.testing.assert_array_equal(logo.alpha, alpha)
    files.write(PICTURE, tmp_path / "out.png", logo)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png"))[..., 3], alpha)
    files.write(PICTURE, tmp_path / "out.jpg", logo)
    assert Image.open(tmp_path / "out.jpg").mode == "RGB"


def test_a_photo_in_another_size(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "photo.png")
    assert files.read(tmp_path / "photo.png", 90).pixels.shape == (60, 90, 3)
    assert files.read(tmp_path / "photo.png", 15).pixels.shape == (10, 15, 3)
    Image.new("L", (3000, 3000)).save(tmp_path / "grey.png")
    with pytest.raises(ServingError, match="20000 x 20000 pixels are too many"):
        files.read(tmp_path / "grey.png", 20_000)


def test_what_cannot_be_read_or_written_is_one_line(tmp_path):
    (tmp_path / "notes.jpg").write_text("hello")
    with pytest.raises(ServingError, match=r"notes\.jpg: not an image"):
        files.read(tmp_path / "notes.jpg")
    with pytest.raises(ServingError, match=r"none\.jpg: No such file"):
        files.read(tmp_path / "none.jpg")
    with pytest.raises(ServingError, match=r"out\.txt: name an image file"):
        files.write(PICTURE, tmp_path / "out.txt")


def test_a_picture_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    output = tmp_path / "out.png"
    output.write_text("what was there")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left on device") as found:
        files.write(PICTURE, output)
    assert found.value.filename == str(output)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.png", "what was there")]


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path):
    for size in ((20_000, 20_000), (20_000, 6_000)):
        Image.new("1", size).save(tmp_path / "huge.png")
        with pytest.raises(ServingError, match=r"huge\.png: .*pixels; at most 100 million"):
            files.read(tmp_path / "huge.png")
