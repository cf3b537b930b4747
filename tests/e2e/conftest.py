"""A tiny drawn data set and a configuration that trains on it in seconds; one workspace for the whole story."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from data.draw import draw
from pipeline import config as configuration
from pipeline import runner
from pipeline.progress import NullView
from pipeline.results import RunResult

SETTINGS = {
    "seed": 7,
    "classifier": {
        "photos": "photos",
        "backbone": {"name": "small_cnn", "weights": "none"},
        "image": {"size": 48},
        "train": {"scratch_epochs": 6},
        "thresholds": {"accuracy": {"at_least": 0.0}},
        "tflite": {"calibration_examples": 16},
    },
    "style": {
        "photos": "photos",
        "paintings": "paintings",
        "perceptual": {"weights": "none"},
        "encoder": {"weights": "none"},
        "network": {"channels": 16, "blocks": 1},
        "image": {"train_side": 64, "max_side": 128},
        "train": {"steps": 4, "batch_size": 2, "crop": 48},
        "pairs": {"photos": 2, "paintings": 3, "side": 64},
        "thresholds": {"style_distance": {"at_most": 1000.0}},
        "tflite": {"variants": ["float32", "float16"], "min_psnr": {"float16": 15.0, "float32": 15.0}},
    },
}


@dataclass(frozen=True)
class House:
    """A folder with images, a configuration and what `easel` made of them."""

    root: Path

    def configure(self, **changes: object) -> None:
        """Writes the configuration, with `section__key=value` changes."""
        settings = json.loads(json.dumps(SETTINGS))
        for path, value in changes.items():
            *sections, key = path.split("__")
            place = settings
            for section in sections:
                place = place.setdefault(section, {})
            place[key] = value
        (self.root / "easel.yaml").write_text(yaml.safe_dump({"workspace": "workspace", **settings}))

    def easel(self, *arguments: str) -> subprocess.CompletedProcess:
        """Runs the command as a person would."""
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        return subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments],
            capture_output=True, text=True, cwd=self.root, env=environment, timeout=500, check=False,
        )  # fmt: skip

    def run(self) -> RunResult:
        """A run in this process, without importing TFX anew; its exit code is the result's."""
        return runner.run(configuration.load(self.root / "easel.yaml"), NullView())

    def versions(self, model: str) -> list[int]:
        """What TensorFlow Serving would see: the folders whose names are integers."""
        folder = self.root / "workspace" / "serving" / model
        return sorted(int(path.name) for path in folder.glob("*") if path.name.isdigit())


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> Path:
    """Photos of every drawn class and the drawn paintings."""
    folder = tmp_path_factory.mktemp("drawn")
    draw(folder, photos_per_class=24, seed=3)
    return folder
