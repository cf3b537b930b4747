"""The report as HTML: what is on it, that other people's names do no harm, and that it loads nothing."""

import re

import numpy as np
import pytest

from pipeline.history.result import ModelResult
from pipeline.pages.contact_sheet.sheet import Confusion
from pipeline.pages.report import charts, content
from tests.pipeline.pages.data.test_page import Balance
from tests.pipeline.pages.report import samples


@pytest.fixture(scope="module")
def html() -> str:
    return samples.html()


def test_everything_is_said_escaped_and_nothing_is_loaded(html):
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert "script" not in parser.tags
    assert samples.EVIL not in html
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in parser.addresses)
    assert not re.search(r"https?://|url\((?!#)|@import", html)
    text = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    for words in (
        "pushed as version 3",
        "stopped by data validation",
        "✓ ≥ 0.800",
        "0.900 0.555 to 0.997 was 0.800",
        "0.83 cat",
        "too far",
        "style.train.steps",
        "the files of the folder changed",
        "abcdef",
        "took 1:01",
        "2.7 MB",
    ):
        assert words in text


def test_ids_are_unique_and_every_reference_within_the_page_has_its_target(html):
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', html)) <= set(ids)


def test_charts_take_all_their_colours_from_the_page(html):
    drawings = re.findall(r"<svg class=.*?</svg>", html, re.DOTALL)
    assert len(drawings) == 3  # learning, reliability, and accuracy over three runs
    assert not re.search(r"#[0-9a-fA-F]{6}\b", " ".join(drawings))
    assert "var(--c0)" in drawings[0]
    assert all("fill: var(--ink)" in drawing for drawing in drawings)


def test_a_trend_needs_two_runs_that_measured_the_model():
    unmeasured = ModelResult("things", "classifier", "unchanged", 3)
    assert content.trends("things", [samples.line(2, unmeasured), samples.line(1, samples.result())], ()) == ()
    assert content.trends("others", [samples.line(2, samples.result()), samples.line(1, samples.result())], ()) == ()


def test_slices_bear_intervals_where_they_can():
    painting = {"painting": {"wave": {"candidate": {"ssim": 0.5, "ece": 0.1}, "champion": None, "examples": 4}}}

    def cells(ssim):
        [table] = content.slice_tables(painting, ["ssim", "ece"], {"wave": {"ssim": np.array(ssim)}})
        return [cell.interval for cell in table.rows[0][2]]

    assert cells([0.4, 0.5, 0.6, 0.5]) == [pytest.approx((0.1968, 0.8032), abs=1e-3), None]
    assert cells([0.4, 0.5, 0.6]) == [None, None]


def test_many_classes_are_left_to_the_table():
    labels = [str(number) for number in range(41)]
    assert content.drawn(Confusion(labels, np.eye(41, dtype=int))) is None


def test_the_style_networks_losses_begin_where_they_were_measured():
    history = {"step": [1, 2, 3], "reproduction": [3, 2, 1], "content": [1.0, 0.5]}
    drawn = []
    charts.svg(lambda axes: (charts.steps(axes, history), drawn.extend(axes.get_lines())), "losses")
    assert [each.get_xdata().tolist() for each in drawn] == [[1, 2, 3], [2, 3]]
