"""Decoding against Pillow: the eight orientations, both byte orders, headers that lie, and the same inside tf.data."""

import io
import struct
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tests import orientations
from trainer.images import decoding, encoding, resizing

TAG = 0x0112


def jpeg(exif: bytes = b"", size=(40, 24)) -> bytes:
    """A JPEG whose four corners differ, so that every orientation looks different."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = [200, 30, 30]
    pixels[: height // 2, width // 2 :] = [30, 200, 30]
    pixels[height // 2 :, : width // 2] = [30, 30, 200]
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


def tiff(orientation: int, order: str = ">", entries_before: int = 0, kind: int = 3, directory: int = 8) -> bytes:
    """A hand-made TIFF structure as the Exif standard lays it out."""
    header = (b"MM" if order == ">" else b"II") + struct.pack(order + "HI", 42, directory)
    entries = b"".join(struct.pack(order + "HHII", 0x0100 + i, 4, 1, 7) for i in range(entries_before))
    value = struct.pack(order + "HH", orientation, 0) if kind == 3 else struct.pack(order + "I", orientation)
    entries += struct.pack(order + "HHI", TAG, kind, 1) + value
    return header + struct.pack(order + "H", entries_before + 1) + entries + struct.pack(order + "I", 0)


def with_segment(data: bytes, payload: bytes, marker: bytes = b"\xff\xe1", length: int | None = None) -> bytes:
    length = len(payload) + 2 if length is None else length
    return data[:2] + marker + struct.pack(">H", length) + payload + data[2:]


def pillow(data: bytes) -> np.ndarray:
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


@pytest.mark.parametrize("name", orientations.decoded_by_the_graphs())
def test_orientation_is_applied(name):
    orientations.assert_upright(decoding.decode(orientations.turned()[name]).numpy())


def test_exif_behind_other_segments_and_fill_bytes_is_found():
    data = with_segment(jpeg(), b"Exif\0\0" + tiff(6))
    data = with_segment(data, b"http://ns.adobe.com/xap/1.0/\0" + b"x" * 300)
    data = data[:2] + b"\xff\xff" + data[2:]
    assert int(decoding.orientation(data)) == 6


@pytest.mark.parametrize("fill", [1, 4094, 4095, 4096, 4097, 20_000])
def test_runs_of_fill_bytes_are_passed_over(fill):
    data = with_segment(jpeg(), b"Exif\0\0" + tiff(6))
    assert int(decoding.orientation(data[:2] + b"\xff" * fill + data[2:])) == 6


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xe9\0\2"], ids=["fill bytes", "segments"])
def test_a_header_without_end_takes_no_time(filler):
    """A megabyte of fill bytes took minutes, one step for each, and each step copied the rest of the file."""
    orientation = tf.function(decoding.orientation, input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    orientation(jpeg())
    start = time.process_time()
    assert int(orientation(b"\xff\xd8" + filler * ((16 << 20) // len(filler)) + jpeg()[2:])) == 1
    assert time.process_time() - start < 5


def test_orientation_stored_as_a_long_counts():
    assert int(decoding.orientation(with_segment(jpeg(), b"Exif\0\0" + tiff(8, "<", kind=4)))) == 8


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0II*",
        b"Exif\0\0XX" + tiff(6)[2:],
        b"Exif\0\0" + tiff(6)[:14],
        b"Exif\0\0" + tiff(6, directory=0xFFFFFFFF),
        b"Exif\0\0" + tiff(6, directory=5000),
        b"Exif\0\0" + tiff(6)[:8] + b"\xff\xff",
        b"Exif\0\0" + tiff(0),
        b"Exif\0\0" + tiff(9),
        b"Exif\0\0" + tiff(6, kind=2),
    ],
)
def test_malformed_exif_means_upright(payload):
    data = with_segment(jpeg(), payload)
    assert int(decoding.orientation(data)) == 1
    assert decoding.decode(data).shape == (24, 40, 3)


def test_headers_that_lie_end_the_search():
    assert int(decoding.orientation(with_segment(jpeg(), b"", length=0))) == 1
    assert int(decoding.orientation(with_segment(jpeg(), b"Exif\0\0" + tiff(6), length=60000))) == 6
    png = orientations.turned()["png_6"]
    assert int(decoding.orientation(png)) == 6
    for at, length in ((png.index(b"IHDR"), 0xFFFFFFFF), (png.index(b"eXIf"), 0), (png.index(b"eXIf"), 4)):
        assert int(decoding.orientation(png[: at - 4] + struct.pack(">I", length) + png[at:])) == 1
    for broken in [
        png[:8],
        png[:40],
        png[:8] + bytes(4),
        b"",
        b"\xff",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8" + b"\xff" * 50,
        b"\xff\xd8\xff\xe1\x00",
    ]:
        assert int(decoding.orientation(broken)) == 1


def test_png_is_left_as_it_is_and_a_grey_one_gets_three_channels():
    out = io.BytesIO()
    Image.new("L", (5, 7), 90).save(out, "PNG")
    np.testing.assert_array_equal(decoding.decode(out.getvalue()), np.full((7, 5, 3), 90))


def test_bytes_that_are_no_image_are_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoding.decode(b"not an image")


def test_decoding_is_the_same_in_tf_data_and_in_a_saved_model(tmp_path):
    files = [with_segment(jpeg(), b"Exif\0\0" + tiff(turn)) for turn in (1, 5, 6, 3)]
    files += [orientations.turned()[name] for name in ("png_1", "png_6", "png_only_in_xmp")]
    eager = [decoding.decode(data).numpy() for data in files]
    dataset = tf.data.Dataset.from_tensor_slices(files).map(decoding.decode)
    module = tf.Module()
    module.decode = tf.function(decoding.decode, input_signature=[tf.TensorSpec([], tf.string)])
    tf.saved_model.save(module, str(tmp_path))
    served = tf.saved_model.load(str(tmp_path)).decode
    for data, one, other in zip(files, eager, dataset, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, served(tf.constant(data)))


def test_resize_squashes_crops_and_pads():
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, 20:40] = 255
    assert resizing.resize(image, 10, 10, "crop").numpy().min() == 255
    padded = resizing.resize(image, 30, 30, "pad").numpy()
    assert padded[:10].max() == 0
    assert padded[20:].max() == 0
    assert padded[15, 15].min() == 255
    squashed = resizing.resize(image, 10, 30).numpy()
    assert (squashed.shape, squashed.dtype) == ((10, 30, 3), np.uint8)
    assert squashed[5, 15].min() == 255


def test_resize_is_antialiased():
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[:, ::2] = 255.0
    reduced = resizing.resize(stripes, 8, 8).numpy()[:, 1:-1]
    np.testing.assert_allclose(reduced, 127.5, atol=2)


def test_lanczos_is_the_one_of_other_libraries_and_keeps_what_bilinear_loses():
    photo = np.random.default_rng(0).integers(0, 256, (90, 60, 3), np.uint8)
    theirs = np.asarray(Image.fromarray(photo).resize((20, 30), Image.Resampling.LANCZOS))
    for ours in (resizing.resize(photo, 30, 20, method="lanczos3"), resizing.bound(photo, 30)):
        np.testing.assert_allclose(ours.numpy().astype(int), theirs, atol=2)
    assert resizing.resize(photo, 30, 20).numpy().std() < 0.8 * theirs.std()


@pytest.mark.parametrize(("shape", "expected"), [((30, 90), (10, 30)), ((10, 20), (10, 20)), ((1, 400), (1, 30))])
def test_bound_reduces_only_what_is_too_large(shape, expected):
    assert resizing.bound(np.zeros((*shape, 3), np.uint8), 30).shape == (*expected, 3)


def test_encoding_and_serialising_come_back():
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    np.testing.assert_array_equal(decoding.decode(encoding.encode_png(image)), image)
    np.testing.assert_array_equal(encoding.parse(encoding.serialize(image), 9, 7), image)
    smooth = np.full((16, 16, 3), 77, np.uint8)
    assert np.abs(decoding.decode(encoding.encode_jpeg(smooth)).numpy().astype(int) - 77).max() <= 2
    with pytest.raises(tf.errors.InvalidArgumentError):
        encoding.parse(encoding.serialize(image), 7, 9)


def test_to_uint8_rounds_and_clips():
    np.testing.assert_array_equal(encoding.to_uint8([-3.0, 0.6, 254.4, 300.0]), [0, 1, 254, 255])
