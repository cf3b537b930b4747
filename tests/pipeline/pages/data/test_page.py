"""The page as HTML: what is on it, that other people's names do no harm, and that it loads nothing."""

import io
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from components.data_gate.shift import Distance
from components.image_folder_example_gen.options import IngestOptions
from pipeline.pages.data import charts
from pipeline.pages.data.content import ClassRow, Group, Issue, Measure, Section, Tile
from pipeline.pages.data.page import render
from pipeline.pages.data.thumbnails import SIDE, thumbnail
from tests.components.image_folder_example_gen import corpus

EVIL = "<script>alert(1)</script>&'\".jpg"
VOID = {"meta", "img", "wbr", "path", "link"}


class Balance(HTMLParser):
    """Fails on tags that do not nest; collects the addresses that the page refers to."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.tags = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def page(tmp_path) -> str:
    for seed in range(3):
        corpus.photo(seed=seed).save(tmp_path / f"{seed}.jpg")
    tiles = [Tile(f"cat/{seed}.jpg", thumbnail(str(tmp_path), f"{seed}.jpg", IngestOptions())) for seed in range(3)]
    tiles.append(Tile(EVIL, None, "17 bytes are missing"))
    curves = (
        charts.Curve("train", "M0 110L0 20L160 20L160 60L320 60L320 110Z"),
        charts.Curve("the data before", "M0 110L0 90L160 90L160 10L320 10L320 110Z"),
    )
    chart = charts.Chart(0.1, 0.9, curves, (charts.Range("cat", 10, 40, 30, 0.4), charts.Range("dog", 20, 60, 50, 0.5)))
    distance = {"train from the data before": Distance("image/brightness", 0.41, 0.2)}
    section = Section(
        name="photos",
        folder="/where/photos & more",
        counts={"seen": 1234, "examples": 1200, "rejected": 30, "duplicates": 4, "ignored": 0},
        classes=(
            ClassRow("cat", {"train": 700, "eval": 100}, 66.7, 40.0),
            ClassRow("dog", {"train": 350, "eval": 50}, 33.3, 60.0),
        ),
        hidden_classes=7,
        compared=("train", "eval", "the data before"),
        before="the data before",
        measures=(
            Measure("Brightness", "mean luma", chart, distance),
            Measure("Height", "pixels", charts.Chart(480, 480, (), ()), {}),
        ),
        issues=(
            Issue("stop", f"new class: {EVIL}", "Move the images into a known class.", 1002, tuple(tiles)),
            Issue("warn", "brightness differs from that of the data before", "Look at the files.", 3, tuple(tiles[:3])),
        ),
        rejected=(Issue("listed", "truncated", "Copy it again.", 1, tuple(tiles[3:])),),
        groups=(Group(True, tuple(tiles[:2]), 3),),
        hidden_groups=2,
        duplicates=(("cat/copy.jpg", "cat/0.jpg"),),
    )
    return render("easel, run 1", [section])


def test_everything_is_said_escaped_and_nothing_is_loaded(tmp_path):
    html = page(tmp_path)
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert "script" not in parser.tags
    assert EVIL not in html
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in parser.addresses)
    assert not re.search(r"https?://|url\(|@import", html)
    text = re.sub(r"<[^>]+>", " ", html)
    for words in (
        "1,234",
        "1,002 images",
        "and 998 more",
        "in several classes",
        "0.41",
        "all 480",
        "no picture",
        "40%",
    ):
        assert words in text or words in html


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_thumbnail_is_small_and_upright(kind, tmp_path):
    image = corpus.photo(600, 400)
    extra = {"exif": corpus.exif(6)} if kind == "JPEG" else {}
    (tmp_path / "x").write_bytes(corpus.save(image, kind, **extra))
    small = shown(thumbnail(str(tmp_path), "x", IngestOptions()))
    assert max(small.size) == SIDE
    assert (small.height > small.width) == (kind == "JPEG")


def test_what_is_left_of_a_damaged_file_is_shown(tmp_path):
    data = corpus.save(corpus.photo(600, 400), "JPEG")
    (tmp_path / "half.jpg").write_bytes(data[: len(data) // 2])
    assert shown(thumbnail(str(tmp_path), "half.jpg", IngestOptions())).size == (SIDE, 85)


def test_what_cannot_be_shown_has_no_picture(tmp_path):
    (tmp_path / "page.jpg").write_bytes(b"<html>")
    (tmp_path / "large.jpg").write_bytes(corpus.save(corpus.photo(600, 400), "JPEG"))
    (tmp_path / "folder.jpg").mkdir()
    options = IngestOptions(max_pixels=1000)
    for name in ("page.jpg", "large.jpg", "folder.jpg", "gone.jpg", "../../etc", "odd\\xff.jpg"):
        assert thumbnail(str(tmp_path), name, options) is None


def shown(address: str) -> Image.Image:
    import base64

    return Image.open(io.BytesIO(base64.b64decode(address.split(",")[1])))
