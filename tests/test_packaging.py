"""What an installed Easel must contain, seen from the checkout."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("package", ["pipeline", "components", "trainer", "data", "serving/easel_serving"])
def test_every_folder_of_modules_is_a_package(package):
    folders = {module.parent for module in (ROOT / package).rglob("*.py")}
    # setuptools leaves folders without __init__.py out of the wheel that Beam's workers install
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
