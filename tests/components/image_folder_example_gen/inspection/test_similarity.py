"""Near-duplicates are found, and nothing else is taken for one."""

import io

import numpy as np
import pytest
from PIL import Image

from components.image_folder_example_gen.inspection import inspection, similarity
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.vocabulary.files import Source
from data.photos import PATTERNS, draw_photo
from tests.components.image_folder_example_gen import corpus

BITS = IngestOptions().near_duplicate_bits
SOURCE = Source(b"name", "name", "", "", 0, 0)


def fingerprint(data: bytes) -> bytes:
    (picture,) = inspection.complete([inspection.inspect(data, SOURCE, IngestOptions())])
    return picture.fingerprint


def found(*fingerprints: bytes) -> list[list[int]]:
    table = similarity.rows(fingerprints, range(len(fingerprints)))
    return similarity.unique([similarity.edges(band, BITS) for band in table]).tolist()


def photo(seed: int = 0) -> Image.Image:
    """A drawn photo, 320 x 240: with structure of all sizes, as photos have."""
    label = sorted(PATTERNS)[seed % len(PATTERNS)]
    return Image.fromarray(draw_photo(label, np.random.default_rng(seed))).resize((320, 240))


@pytest.mark.parametrize(
    "changed",
    [
        lambda image: corpus.save(image, "JPEG", quality=40),
        lambda image: corpus.save(image, "PNG"),
        lambda image: corpus.save(image, "WEBP", quality=60),
        lambda image: corpus.save(image.resize((150, 112)), "JPEG"),
        lambda image: corpus.save(image.resize((640, 480)), "JPEG", progressive=True),
        lambda image: corpus.save(image.resize((320, 260)), "JPEG"),
        lambda image: corpus.save(image.crop((6, 4, 314, 236)), "JPEG"),
        lambda image: corpus.save(image.crop((0, 0, 310, 233)), "JPEG"),
        lambda image: corpus.save(image.point(lambda level: min(255, int(level * 1.1))), "JPEG"),
        lambda image: corpus.save(image.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=corpus.exif(6)),
        lambda image: corpus.save(image.convert("L"), "JPEG"),
    ],
)
def test_copies_are_found(changed):
    original = corpus.save(photo(), "JPEG", quality=92)
    assert found(fingerprint(original), fingerprint(changed(photo()))) == [[0, 1]]


def test_different_pictures_are_not_taken_for_copies():
    assert found(*(fingerprint(corpus.save(photo(seed), "JPEG")) for seed in range(60))) == []
    mirrored = photo().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert found(fingerprint(corpus.save(photo(), "JPEG")), fingerprint(corpus.save(mirrored, "JPEG"))) == []


def test_pictures_without_structure_are_no_copies():
    blank = [fingerprint(corpus.save(Image.new("RGB", (99, 99), (level,) * 3), "PNG")) for level in (0, 0, 255)]
    assert blank == [b""] * 3
    assert found(*blank) == []


def test_noise_does_not_hide_that_a_picture_was_recompressed():
    images = [corpus.photo(seed=seed) for seed in range(20)]
    prints = [fingerprint(corpus.save(image, "JPEG", quality=quality)) for image in images for quality in (92, 50)]
    assert found(*prints) == [[2 * number, 2 * number + 1] for number in range(20)]


def test_banding_finds_what_a_comparison_of_all_pairs_finds():
    rng = np.random.default_rng(0)
    originals = [photo(seed) for seed in range(40)]
    copies = []
    for image in originals:
        left, top = rng.integers(0, 8), rng.integers(0, 6)
        copies.append(image.crop((left, top, left + 312, top + 234)))
    prints = [fingerprint(corpus.save(image, "JPEG")) for image in (*originals, *copies)]
    everything = _all_pairs(similarity.rows(prints, range(80))[0])
    banded = found(*prints)
    assert {tuple(each) for each in banded} <= everything
    assert everything == {(number, number + 40) for number in range(40)}
    assert len(banded) >= 0.9 * len(everything)


def _all_pairs(table: np.ndarray) -> set[tuple[int, int]]:
    pairs = set()
    for step in range(1, len(table)):
        near = similarity._near(table["hashes"][:-step], table["hashes"][step:], BITS)
        pairs |= {tuple(sorted(pair)) for pair in zip(table["id"][:-step][near], table["id"][step:][near], strict=True)}
    return pairs


def test_groups_are_connected_and_named_by_their_smallest():
    pairs = np.array([(5, 9), (2, 5), (7, 8)], np.uint64)
    assert similarity.components(pairs) == {2: 2, 5: 2, 9: 2, 7: 7, 8: 7}


def test_copies_under_a_key_that_many_pictures_share_are_found():
    """Only the next `WINDOW` pictures are looked at: sorting by hashes is what brings copies together."""
    rng = np.random.default_rng(0)
    table = similarity.rows([rng.bytes(192) for _ in range(300)], range(300))[0]
    table["keys"] = np.arange(4)
    table["hashes"][200:] = table["hashes"][:100]
    assert similarity.edges(table, 0).tolist() == [[n, n + 200] for n in range(100)]


@pytest.mark.assets
def test_photos_of_similar_things_are_not_taken_for_copies(assets):
    files = sorted((assets / "photos" / "trashnet").rglob("*.jpg"))[::6]
    prints = [fingerprint(path.read_bytes()) for path in files]
    assert len(found(*prints)) <= 1
    half = [_half(path) for path in files[:40]]
    assert len(found(*prints[:40], *half)) >= 40


def _half(path) -> bytes:
    image = Image.open(path)
    buffer = io.BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(buffer, "JPEG", quality=70)
    return fingerprint(buffer.getvalue())
