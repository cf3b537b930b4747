"""The report in Chromium: no complaint on the console, and nothing wider than the window but what scrolls by itself."""

import pytest

from tests.pipeline.pages.report import samples
from tests.serving.browser import browser


@pytest.mark.parametrize(("width", "phone"), [(1280, False), (390, True)])
def test_it_opens_without_complaint_and_fits(tmp_path, width, phone):
    path = tmp_path / "report.html"
    path.write_text(samples.html())
    with browser(width, 844, phone) as window:
        window.open(path.as_uri())
        assert window.messages() == []
        assert window.run("return document.documentElement.scrollWidth <= window.innerWidth")
        assert window.run("return [...document.images].every(image => image.complete && image.naturalWidth)")
        assert not window.run("return document.querySelector('script') !== null")
        marker = "return getComputedStyle(document.querySelector('svg.chart')).display"
        assert window.run(marker) == "block"
