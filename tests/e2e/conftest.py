"""A tiny drawn data set and a configuration that trains on it in seconds; one workspace for the whole story."""

import copy
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from data.draw import draw
from pipeline.configuration import config as configuration
from pipeline.history.result import RunResult
from pipeline.progress.events import Events
from pipeline.running import run as runner

SETTINGS = {
    "workspace": "workspace",
    "seed": 7,
    "classifier": {
        "photos": "photos",
        "backbone": {"name": "small_cnn", "weights": "none"},
        "image": {"size": 48},
        "train": {"scratch": {"epochs": 3}},
        "thresholds": {
            "accuracy": {
                "at_least": 0.0,
                "beats_trivial_by": None,
                "max_loss_to_champion": None,
                "max_probable_loss_to_champion": None,
            },
            "macro_f1": {"max_loss_to_champion": None},
        },
        "tflite": {"calibration_examples": 16, "max_accuracy_drop": 1.0},
    },
    "style": {
        "photos": "pictures",
        "paintings": "paintings",
        "perceptual": {"weights": "none"},
        "encoder": {"weights": "none"},
        "network": {"channels": 16, "blocks": 1},
        "image": {"train_side": 64, "max_side": 128},
        "train": {
            "start": "scratch",
            "steps": 2,
            "reproduction_steps": 2,
            "batch_size": 2,
            "crop": 48,
            "photo_crops": 8,
            "painting_crops": 1,
        },
        "pairs": {"photos": 2, "paintings": 2, "side": 64},
        "thresholds": {
            "style_distance": {"at_most": 1000.0, "beats_trivial_times": None, "max_loss_to_champion": None},
            "content_distance": {"max_loss_to_champion": None},
        },
        "tflite": {"variants": ["float32", "float16"], "min_psnr": {"float32": 15.0, "float16": 15.0}},
    },
}
"""Small enough for a test. Nothing can be learned in so few steps, so the thresholds let everything pass that runs."""

ODD = "-proj [2024] *?{x} 'q\" %d $HOME \\ \u5199\u771f"
"""The folder that all is in: nothing of a person's path is a pattern, an option, a format or a variable."""


@dataclass(frozen=True)
class House:
    """A folder with images, a configuration and what `easel` made of them."""

    root: Path

    def configure(self, **changes: object) -> None:
        """Writes the configuration, with `section__key=value` changes; None removes a key, and its default holds."""
        settings = copy.deepcopy(SETTINGS)
        for path, value in changes.items():
            *sections, key = path.split("__")
            place = settings
            for section in sections:
                place = place[section]
            place[key] = value
            if value is None:
                del place[key]
        (self.root / "easel.yaml").write_text(yaml.safe_dump(settings))

    def settings(self, lane: str, section: str) -> dict:
        """A section as it is without changes."""
        return SETTINGS[lane][section]

    def easel(self, *arguments: str) -> subprocess.CompletedProcess:
        """Runs the command as a person would."""
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        return subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments],
            capture_output=True, text=True, cwd=self.root, env=environment, timeout=500, check=False,
        )  # fmt: skip

    def run(self) -> RunResult:
        """A run in this process, without importing TFX anew; its exit code is the result's."""
        return runner.run(configuration.load(self.root / "easel.yaml"), Events())

    def versions(self, model: str) -> list[int]:
        """What TensorFlow Serving would see: the folders whose names are integers."""
        folder = self.root / "workspace" / "serving" / model
        return sorted(int(path.name) for path in folder.glob("*") if path.name.isdigit())


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> House:
    """Drawn photos in class folders, other photos in a flat folder, and drawn paintings."""
    root = tmp_path_factory.mktemp("house") / ODD
    root.mkdir()
    house = House(root)
    draw(house.root, photos_per_class=16, seed=3)
    draw(house.root / "more", photos_per_class=3, seed=4)
    (house.root / "pictures").mkdir()
    for path in (house.root / "more" / "photos").rglob("*.jpg"):
        path.rename(house.root / "pictures" / path.name)
    shutil.rmtree(house.root / "more")
    house.configure()
    return house
