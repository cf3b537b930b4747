"""Damaged images of every format: nothing crashes or hangs, every file is accounted for, and the promise holds.

The promise: what is accepted decodes in TensorFlow to the recorded height, width and 3 channels. `EASEL_FUZZ` says how
many inputs there are; `make fuzz` sets it to 5,000.
"""

import os
import random
import time

import hypothesis
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from PIL import Image

from components.image_folder_example_gen.ingest.scan import scan
from components.image_folder_example_gen.inspection import conversion, inspection
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.vocabulary.files import Source
from components.image_folder_example_gen.vocabulary.reasons import Unusable
from tests.components.image_folder_example_gen import corpus

INPUTS = int(os.environ.get("EASEL_FUZZ", "300"))
PARTS = 8
"""So that two processes share the work."""
DRAWN = INPUTS // 6
"""How many of the inputs hypothesis makes."""
MUTATED = INPUTS - DRAWN
OPTIONS = IngestOptions(max_pixels=4_000_000)
SOURCE = Source(b"folder/name", "name", "class", "", 0, 0)
SECONDS = 20
ORIGINALS = corpus.variants()


def keeps_the_promise(data: bytes) -> bool:
    """Whether the file is accepted; fails if it is, and TensorFlow does not decode it to what was recorded."""
    started = time.process_time()  # on the clock, a machine that is busy or asleep would look like a hang
    try:
        (picture,) = inspection.complete([inspection.inspect(data, SOURCE, OPTIONS)])
    except Unusable:
        accepted = False
    else:
        accepted = True
        encoded = data if picture.untouched else conversion.reencode(data, OPTIONS)
        shape = tf.io.decode_image(encoded, channels=3, expand_animations=False).shape
        assert shape == (picture.height, picture.width, 3)
        assert 0 <= picture.brightness <= 1.001
        assert len(picture.fingerprint) in (0, 192)
    assert time.process_time() - started < SECONDS
    return accepted


def mutated(seed: int) -> bytes:
    chance = random.Random(seed)
    return corpus.damage(ORIGINALS[chance.choice(sorted(ORIGINALS))], chance)


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_files_are_rejected_or_keep_the_promise(part):
    accepted = [keeps_the_promise(mutated(seed)) for seed in range(part, MUTATED, PARTS)]
    assert len(accepted) // 10 < sum(accepted) < len(accepted) * 9 // 10


@st.composite
def files(draw) -> bytes:
    """An image of any mode, size and settings, cut, spliced, or under a header of another."""
    size = draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    image = corpus.photo(*size, seed=draw(st.integers(0, 9)))
    mode = draw(st.sampled_from(["RGB", "L", "P", "1", "RGBA", "LA", "CMYK", "I;16", "F", "YCbCr"]))
    kinds = {"CMYK": ["JPEG", "TIFF"], "YCbCr": ["JPEG"], "F": ["TIFF"], "I;16": ["PNG", "TIFF"], "LA": ["PNG"]}
    kinds |= {"RGBA": ["PNG", "WEBP", "TIFF", "AVIF"], "P": ["PNG", "GIF", "BMP"], "1": ["PNG", "BMP"]}
    kind = draw(st.sampled_from(kinds.get(mode, ["JPEG", "PNG", "BMP", "TIFF"])))
    how = {"quality": draw(st.integers(1, 100)), "progressive": draw(st.booleans())} if kind == "JPEG" else {}
    if kind in ("JPEG", "PNG", "WEBP") and draw(st.booleans()):
        how["exif"] = corpus.exif(draw(st.integers(0, 9)))
    if kind in ("JPEG", "PNG") and mode in ("RGB", "L") and draw(st.booleans()):
        how["icc_profile"] = draw(st.one_of(st.just(corpus.swapped_profile()), st.binary(max_size=200)))
    data = corpus.save(_convert(image, mode), kind, **how)
    damage = draw(st.sampled_from(["none", "cut", "junk", "head", "splice"]))
    at = draw(st.integers(0, len(data)))
    if damage == "cut":
        return data[:at]
    if damage == "junk":
        return data[:at] + draw(st.binary(max_size=64)) + data[at:]
    if damage == "head":
        return ORIGINALS[draw(st.sampled_from(sorted(ORIGINALS)))][: min(at, 64)] + data[min(at, 64) :]
    if damage == "splice":
        return data[:at] + ORIGINALS[draw(st.sampled_from(sorted(ORIGINALS)))]
    return data


def _convert(image: Image.Image, mode: str) -> Image.Image:
    return image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)


@hypothesis.settings(max_examples=DRAWN, deadline=None, derandomize=True, database=None)
@hypothesis.given(files())
def test_images_of_every_kind_are_rejected_or_keep_the_promise(data):
    keeps_the_promise(data)


def test_every_damaged_file_is_accounted_for(tmp_path):
    number = min(MUTATED, 300)
    for seed in range(number):
        folder = tmp_path / f"class{seed % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"{seed}.jpg").write_bytes(mutated(seed))
    report = scan(tmp_path, OPTIONS)
    assert report.seen == number == report.examples + report.rejected + report.duplicates + report.ignored
    assert sum(report.reasons.values()) == report.rejected > 0
    assert sum(report.classes.values()) == report.examples > 0
    assert "timeout" not in report.reasons
