"""Small files that cost their reader minutes or gigabytes are refused at once, wherever images are opened."""

import io
import re
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from easel_serving.images import formats, prepare
from easel_serving.protocol.errors import ServingError
from PIL import Image

from tests.serving import attacks

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (attacks.eps, "not an image in a known format"),
        (lambda: attacks.png_chunks(100_000), "more pieces"),
        (lambda: attacks.gif_comment(4 << 20), "more pieces"),
        (lambda: attacks.jpeg_fill(4 << 20), "more pieces"),
        (lambda: attacks.jpeg_segments(1 << 20), "more than 2048 segments"),
        (lambda: attacks.jpeg_scans(200, 3000), "more than 64 scans"),
        (lambda: attacks.tiff_strips(1 << 20), "1048576 numbers in one entry"),
        (lambda: attacks.tiff_tile(10_000), "its tiles have 10000 x 10000 pixels"),
        (lambda: attacks.jpeg_metadata(1), "metadata overlap"),
        (lambda: attacks.jpeg_metadata(3), "metadata overlap"),
    ],
    ids=["eps", "chunks", "comment", "fill", "segments", "scans", "strips", "tile", "metadata", "joined metadata"],
)
def test_what_costs_more_than_it_is_worth_is_refused_at_once(make, reason):
    data = make()
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(ServingError, match=reason):
        prepare.convert(data)
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Seconds to a minute and up to .3 GB of Python's own memory before; tracing makes a second of milliseconds.
    assert (seconds < 2, peak < 2 * len(data) + (8 << 20)) == (True, True)


def encoded(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {"progressive": True, "icc_profile": b"x" * 300_000, "comment": b"y" * 60_000}),
        ("PNG", {"pnginfo": None}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("GIF", {"comment": b"z" * 20_000}),
        ("WEBP", {}),
        ("BMP", {}),
    ],
)
def test_large_pictures_of_every_format_are_read(format, options):
    noise = Image.effect_noise((1500, 1000), 80)
    assert prepare.pixels(encoded(noise, format, **options)).shape == (1000, 1500, 3)


def test_narrow_rows_are_many_strips():
    picture = Image.new("L", (64, 9000), 7)
    rows = encoded(picture, "TIFF", tiffinfo={278: 1})
    assert len(Image.open(io.BytesIO(rows)).tag_v2[273]) == 9000
    assert prepare.pixels(rows).shape == (9000, 64, 3)


def test_damaged_metadata_are_no_reason_to_refuse_a_photo():
    """As a photo of a painting on the web has them: an entry of half a billion numbers, all of them blanks."""
    entry = struct.pack("<HHII", 0x2020, 3, 0x20202020, 0x20202020)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry
    assert prepare.size(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif)) == (40, 20)


def test_whatever_a_reader_raises_is_the_files_fault():
    """The fuzz found an AVIF without its picture: RuntimeError, and so a 500."""
    avif = encoded(Image.new("RGB", (40, 20)), "AVIF")
    with pytest.raises(ServingError, match="cannot be read as an image"):
        prepare.convert(avif.replace(b"pitm", b"free"))


def test_one_list_of_formats_is_given_to_pillow_wherever_it_opens_a_file():
    opened = []
    for folder in ("pipeline", "components", "trainer", "serving/easel_serving", "data"):
        for module in (ROOT / folder).rglob("*.py"):
            opened += [module.name] * len(re.findall(r"\bImage\.open\(|_from_bytes\(", module.read_text()))
    assert opened == ["formats.py"]
    assert "EPS" not in formats.FORMATS
