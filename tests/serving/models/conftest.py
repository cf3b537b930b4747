import pytest

from tests.serving import lite


@pytest.fixture(scope="session")
def pushed(tmp_path_factory):
    """A registry with the classifier `colours` (how red, how blue) and the style network `tint`."""
    return lite.push(tmp_path_factory.mktemp("tflite"))
