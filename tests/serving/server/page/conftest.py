"""A window of a real Chromium, as wide as a computer's and as a phone's."""

import pytest

from tests.serving.browser import browser


@pytest.fixture(scope="module", params=["computer", "phone"])
def window(request):
    size = {"computer": (1280, 900, False), "phone": (390, 844, True)}[request.param]
    with browser(*size) as opened:
        yield opened
