"""The promise: what is accepted decodes in TensorFlow to what was recorded, and looks as a person sees it."""

import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.image_folder_example_gen.inspection import conversion, inspection
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.vocabulary.files import Picture, Source
from components.image_folder_example_gen.vocabulary.reasons import Reason, Unusable
from tests import orientations
from tests.components.image_folder_example_gen import corpus

OPTIONS = IngestOptions()
SOURCE = Source(b"folder/name", "name", "class", "", 0, 0)


def ingest(data: bytes, options: IngestOptions = OPTIONS) -> tuple[Picture, bytes]:
    picture = inspection.inspect(data, SOURCE, options)
    return picture, data if picture.untouched else conversion.reencode(data, options)


def decode(data: bytes) -> np.ndarray:
    return tf.io.decode_image(data, channels=3, expand_animations=False).numpy()


def reason(data: bytes, options: IngestOptions = OPTIONS) -> Reason:
    with pytest.raises(Unusable) as caught:
        inspection.inspect(data, SOURCE, options)
    return caught.value.reason


@pytest.mark.parametrize("name", corpus.variants())
def test_every_kind_of_file_becomes_what_tensorflow_decodes(name):
    data = corpus.variants()[name]
    picture, encoded = ingest(data)
    pixels = decode(encoded)
    assert pixels.shape == (picture.height, picture.width, 3)
    assert picture.format == ("png" if encoded.startswith(b"\x89PNG") else "jpeg")
    if "transparent" not in name and "alpha" not in name:  # these have a test of their own
        assert np.abs(pixels.astype(int) - np.asarray(seen(name))).mean() < 32


def seen(name: str) -> Image.Image:
    """What a person sees in the variant, but for the loss of its encoding."""
    image = corpus.photo()
    if any(word in name for word in ("16", "grey")):
        image = image.convert("L").convert("RGB")
    if "two_colours" in name:
        image = image.convert("1").convert("RGB")
    return image.rotate(-90, expand=True) if "rotated" in name else image


def test_bytes_that_need_no_change_are_kept():
    kept = {name for name, data in corpus.variants().items() if inspection.inspect(data, SOURCE, OPTIONS).untouched}
    assert kept == {
        *("jpeg", "jpeg_progressive", "jpeg_grey", "jpeg_srgb_profile", "jpeg_444", "jpeg_restart"),
        *("png", "png_grey", "png_palette", "png_two_colours", "png_interlaced"),
    }


@pytest.mark.parametrize("name", orientations.turned())
def test_orientation_is_applied(name):
    picture, encoded = ingest(orientations.turned()[name])
    assert (picture.width, picture.height) == orientations.upright().size
    orientations.assert_upright(decode(encoded))  # who reads an Example knows nothing of orientations


def test_a_fingerprint_is_that_of_the_upright_picture():
    def square(data):
        return np.frombuffer(inspection.inspect(data, SOURCE, OPTIONS).square, np.float32)

    upright = square(corpus.save(orientations.upright(), "PNG"))
    for name, data in orientations.turned().items():
        assert np.abs(square(data) - upright).mean() < 0.02, name


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (corpus.save(corpus.photo(), "TIFF", save_all=True, append_images=[corpus.photo()]), "pages"),
        (corpus.variants()["gif_animated"], "frames"),
        (corpus.save(corpus.photo(), "WEBP", save_all=True, append_images=[corpus.photo(seed=1)]), "frames"),
        (corpus.save(corpus.photo(), "PNG", save_all=True, append_images=[corpus.photo(seed=1)]), "frames"),
        (corpus.with_thumbnail(corpus.photo()), ""),
        (orientations.turned()["mpo"], ""),
        (corpus.variants()["gif"], ""),
        (corpus.variants()["tiff"], ""),
        (corpus.variants()["jpeg"], ""),
    ],
)
def test_what_is_left_out_of_a_file_is_known(data, expected):
    picture, encoded = ingest(data)
    assert picture.left_out == expected
    assert decode(encoded).shape == (picture.height, picture.width, 3)


def test_colour_profiles_are_converted_to_srgb():
    image = corpus.photo()
    for kind in ("JPEG", "PNG", "WEBP"):
        picture, encoded = ingest(corpus.save(image, kind, icc_profile=corpus.swapped_profile()))
        assert not picture.untouched
        difference = np.abs(decode(encoded).astype(int) - np.asarray(image)[..., ::-1])
        assert np.median(difference) <= 6, kind


def test_alpha_is_put_over_the_background():
    image = Image.new("RGBA", (64, 64), (10, 20, 30, 0))
    pixels = decode(ingest(corpus.save(image, "PNG"), IngestOptions(background=(200, 100, 50)))[1])
    assert np.abs(pixels.astype(int) - [200, 100, 50]).max() <= 2


def test_large_photos_are_reduced():
    picture, encoded = ingest(corpus.save(corpus.photo(400, 200), "JPEG"), IngestOptions(max_side=100))
    assert (picture.width, picture.height) == (100, 50)
    assert decode(encoded).shape == (50, 100, 3)


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        (b"", {}, Reason.EMPTY),
        (b"<!doctype html><title>404</title>", {}, Reason.NOT_AN_IMAGE),
        (corpus.variants()["jpeg"][:-300], {}, Reason.TRUNCATED),
        (corpus.variants()["png"][:-300], {}, Reason.TRUNCATED),
        (corpus.variants()["jpeg"], {"max_pixels": 96 * 80 - 1}, Reason.BOMB),
        (corpus.variants()["png"], {"min_side": 81}, Reason.TOO_SMALL),
        (corpus.save(corpus.photo(400, 20), "PNG"), {"max_aspect": 19.9}, Reason.ASPECT),
        (corpus.save(Image.new("F", (64, 64)), "TIFF"), {}, Reason.UNSUPPORTED),
        (corpus.save(Image.new("I", (64, 64), 1 << 30), "TIFF"), {}, Reason.UNSUPPORTED),
        (corpus.twelve_bits(), {}, Reason.UNSUPPORTED),
    ],
)
def test_reasons(data, options, expected):
    assert reason(data, IngestOptions(**options)) is expected


def test_a_wrong_check_sum_in_a_png_is_damage():
    data = bytearray(corpus.variants()["png"])
    at = data.rindex(b"IEND") - 5
    data[at] ^= 1
    assert reason(bytes(data)) is Reason.CORRUPT


def test_a_bomb_is_refused_from_its_header():
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    assert reason(b"\x89PNG\r\n\x1a\n" + chunk + corpus.variants()["png"][33:]) is Reason.BOMB


def test_the_measures_tell_images_apart():
    def measured(image):
        return inspection.inspect(corpus.save(image, "PNG"), SOURCE, OPTIONS)

    black, grey = measured(Image.new("RGB", (64, 64))), measured(Image.new("RGB", (64, 64), (128, 128, 128)))
    halves = Image.new("L", (64, 64))
    halves.paste(255, (0, 0, 32, 64))
    assert (black.brightness, black.contrast, black.sharpness, black.colorfulness) == (0, 0, 0, 0)
    assert grey.contrast == pytest.approx(0, abs=1e-6)
    assert grey.brightness == pytest.approx(128 / 255)
    assert measured(halves).contrast == pytest.approx(0.5)
    assert measured(halves).colorfulness == pytest.approx(0, abs=1e-6)
    assert measured(corpus.photo()).colorfulness > 0.1
    assert measured(corpus.photo()).sharpness > 0.003


def test_a_jpeg_measures_alike_at_every_size():
    small, large = (
        inspection.inspect(corpus.save(corpus.photo(96, 80).resize(size), "JPEG"), SOURCE, OPTIONS)
        for size in ((96, 80), (96 * 8, 80 * 8))
    )
    assert large.brightness == pytest.approx(small.brightness, abs=0.01)
    assert large.contrast == pytest.approx(small.contrast, abs=0.02)
    assert large.colorfulness == pytest.approx(small.colorfulness, abs=0.03)


def test_a_marker_that_does_not_belong_into_a_scan_costs_the_bytes():
    """TensorFlow refuses such a file, which other decoders pass over: found by `make fuzz`."""
    data = bytearray(corpus.variants()["jpeg"])
    at = data.index(b"\xff\xda") + 60
    data[at : at + 2] = b"\xff\xc7"
    try:
        picture, encoded = ingest(bytes(data))
    except Unusable:
        return
    assert not picture.untouched
    assert decode(encoded).shape == (picture.height, picture.width, 3)
