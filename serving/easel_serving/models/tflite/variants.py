"""Which of a version's TFLite files is used."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import Version

LOGGER = logging.getLogger("easel.serving")

FLOATS = ("float32", "float16")
"""The variants that compute in floating point: their answers are the SavedModel's, but for rounding."""


def find(version: Version, part: str, among: Sequence[str] | None = None) -> Path:
    """The file of a verified variant of a part.

    `part` is `classifier`, `predictor` or `transformer`; `among` are the variants to choose from, the best first. None
    is all, the fastest first by the manifest's latency.

    Raises:
        ServingError: the version has none.
    """
    verified = [
        entry
        for entry in version.manifest.get("tflite", [])
        if entry["part"] == part and entry["verdict"] == "ok" and (among is None or entry["variant"] in among)
    ]

    def rank(entry: Mapping[str, Any]) -> float:
        return among.index(entry["variant"]) if among else entry["metrics"].get("latency_ms", float("inf"))

    for entry in sorted(verified, key=rank):
        path = version.manifest_dir / "tflite" / f"{part}.{entry['variant']}.tflite"
        if path.is_file():
            LOGGER.info("%s: %s in %s", version.title, part, entry["variant"])
            return path
    kind = f"{' or '.join(among)} TFLite variant" if among else "TFLite variant"
    raise ServingError(
        f"{version.title} has no verified {kind} of {part}; `easel models show` says why none was pushed"
    )
