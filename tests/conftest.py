"""What all tests share: quiet libraries, and the real photos, paintings and weights where they are to be had."""

import os
from pathlib import Path

import pytest

# Before anything imports TensorFlow; a value from outside wins, so that a debugging person can turn the logs on.
for name, value in {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    "KERAS_BACKEND": "tensorflow",
    "MPLBACKEND": "Agg",
}.items():
    os.environ.setdefault(name, value)

ROOT = Path(__file__).resolve().parent.parent
ASSETS = (ROOT / os.environ.get("EASEL_ASSETS", "../shared/assets")).resolve()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long story comes first, then what trains: quick files fill both cores to the end. Skips what lacks assets."""
    items.sort(key=lambda item: next((i for i, part in enumerate(("e2e", "trainer")) if part in item.path.parts), 2))
    if ASSETS.is_dir():
        return
    skip = pytest.mark.skip(reason=f"needs real images: EASEL_ASSETS is not a folder ({ASSETS})")
    for item in items:
        if item.get_closest_marker("assets") or "assets" in getattr(item, "fixturenames", ()):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real photos, paintings and weights (`EASEL_ASSETS`)."""
    return ASSETS
