"""The files beside manifest.json: what a program needs that uses the model without TensorFlow Serving."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

STATISTICS = "statistics"
"""Folder with a folder for each folder of images; in it what StatisticsGen wrote."""


def write(folder: Path, description: Mapping[str, Any], tflite: Path | None, variants: Sequence[Mapping]) -> None:
    """Writes `labels.txt` or `styles.json`, and `tflite/` with the variants that were not withheld.

    `description` is the model's `model.json`, `variants` are the verdicts on what lies in `tflite`.
    """
    if "labels" in description:
        (folder / "labels.txt").write_text("".join(f"{label}\n" for label in description["labels"]))
    if "styles" in description:
        (folder / "styles.json").write_text(json.dumps(description["styles"], indent=1))
    verified = [f"{variant['part']}.{variant['variant']}.tflite" for variant in variants if variant["verdict"] == "ok"]
    if tflite and verified:
        (folder / "tflite").mkdir()
        for name in verified:
            shutil.copyfile(tflite / name, folder / "tflite" / name)


def write_statistics(folder: Path, part: str, statistics: Path) -> None:
    """Copies an ExampleStatistics artifact, so that the data of later runs can be compared with this version's.

    `part` is `photos` or `paintings`.
    """
    for path in sorted(statistics.glob("Split-*/FeatureStats.pb")):
        target = folder / STATISTICS / part / path.parent.name
        target.mkdir(parents=True)
        shutil.copyfile(path, target / path.name)
