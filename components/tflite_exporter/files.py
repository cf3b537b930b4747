"""What lies in a TFLiteModels folder: `<part>.<variant>.tflite` and `tflite.json`."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

VERDICTS = "tflite.json"


def model_name(part: str, variant: str) -> str:
    """The file's name of one variant."""
    return f"{part}.{variant}.tflite"


def write_verdicts(folder: str | Path, verdicts: Iterable[Mapping[str, Any]]) -> None:
    """Writes a list of {part, variant, bytes, verdict (`ok` or `withheld`), metrics, reason}.

    Metrics that are not finite (the signal-to-noise ratio of equal pictures) are left out: JSON has no such number.
    """
    clean = [{**verdict, "metrics": _finite(verdict["metrics"])} for verdict in verdicts]
    Path(folder, VERDICTS).write_text(json.dumps(clean, indent=2, allow_nan=False), encoding="utf-8")


def read_verdicts(folder: str | Path) -> list[dict[str, Any]]:
    """The list that `write_verdicts` wrote; withheld variants are in it, their files are not in the folder."""
    return json.loads(Path(folder, VERDICTS).read_text(encoding="utf-8"))


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if math.isfinite(value)}
