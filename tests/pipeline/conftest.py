"""Small image folders and configurations, made in seconds, and what stands for the runner."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """`photos/{cat,dog}` with twelve tiny noise images each, and four `paintings`, all different."""
    noise = np.random.default_rng(7)

    def save(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 255, (40, 48, 3), np.uint8)).save(path, quality=90)

    for index in range(12):
        save(tmp_path / "photos" / "cat" / f"{index}.jpg")
        save(tmp_path / "photos" / "dog" / f"{index}.jpg")
    for index in range(4):
        save(tmp_path / "paintings" / f"{index}.jpg")
    return tmp_path


@pytest.fixture
def config_file(folders: Path) -> Path:
    """A configuration of both lanes that is valid in `folders`."""
    path = folders / "easel.yaml"
    document = {
        "workspace": "work",
        "classifier": {"photos": "photos", "backbone": {"weights": "none"}},
        "style": {
            "photos": "photos",
            "paintings": "paintings",
            "perceptual": {"weights": "none"},
            "encoder": {"weights": "none"},
        },
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def fake_runner(monkeypatch):
    """Puts a function in the place of the real runner, which would import TFX."""

    def install(run):
        module = types.ModuleType("pipeline.running.run")
        module.run = run
        monkeypatch.setitem(sys.modules, "pipeline.running.run", module)

    return install
