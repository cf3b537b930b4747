"""docs/architecture.md names rooms and files that are there, and leaves no room out."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/architecture.md").read_text("utf-8")
PRODUCT = ("pipeline", "components", "trainer", "data", "serving")


def test_every_file_and_folder_that_is_named_exists():
    there = [f"/{path.relative_to(ROOT).as_posix()}" for top in PRODUCT for path in (ROOT / top).rglob("*")]
    there += [f"/{path.name}" for path in ROOT.iterdir()] + ["/tests/test_imports.py"]
    named = re.findall(r"`([\w./-]*(?:\.(?:py|json|toml|md)|/))(?::\w+)?`", TEXT)
    missing = [name for name in named if not any(path.endswith(f"/{name.strip('/')}") for path in there)]
    assert not missing


@pytest.mark.parametrize("house", ["pipeline", "components", "trainer", "trainer/style", "serving/easel_serving"])
def test_every_room_is_named(house):
    rooms = [path.name for path in (ROOT / house).iterdir() if (path / "__init__.py").exists()]
    assert [room for room in rooms if f"{room}/" not in TEXT] == []
