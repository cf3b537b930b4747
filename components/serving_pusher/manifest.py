"""The manifest's content: which data, code and configuration made a version, and what was measured on it."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

FROM_MODEL = ("kind", "labels", "image_size", "training", "parameters", "demo", "notes")
"""What the manifest takes over from model.json; style codes are in styles.json, their names here."""

SCRATCH = "scratch"
"""What a training says that it started from when it was nothing."""


def build(
    description: Mapping[str, Any],
    decision: Mapping[str, Any],
    tflite: Sequence[Mapping[str, Any]],
    signatures: Mapping[str, Any],
    data: Mapping[str, Mapping[str, Any]],
    lineage: Mapping[str, Any],
) -> dict[str, Any]:
    """The manifest without what only the registry knows (`model`, `version`, `digest`, `files`, `attachments`).

    It follows the model's `model.json`, `decision.json` (whose `notes` follow the model's) and `tflite.json`, withheld
    variants included. Folders without any data are left out.
    """
    taken = {key: description[key] for key in FROM_MODEL if key in description}
    if "styles" in description:
        taken["styles"] = [style["name"] for style in description["styles"]]
    taken["notes"] = [*taken.get("notes", []), *decision.get("notes", [])]
    return {
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        **taken,
        "metrics": decision["metrics"],
        "trivials": decision.get("trivials", {}),
        "slices": decision["slices"],
        "checks": decision["checks"],
        "reasons": decision["reasons"],
        "tflite": list(tflite),
        "signatures": signatures,
        "data": {folder: facts for folder, facts in data.items() if facts},
        "lineage": {**lineage, **_origin(description)},
    }


def _origin(description: Mapping[str, Any]) -> dict[str, str]:
    """The version that the training started from."""
    start = description.get("training", {}).get("start", SCRATCH)
    return {} if start == SCRATCH else {"trained_from": start}


def signatures(definitions: Mapping[str, Any]) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """`{signature: {"inputs" | "outputs": {name: {"dtype", "shape"}}}}` of SignatureDefs; unknown sizes are -1."""
    return {
        name: {
            "inputs": _specs(definition.inputs),
            "outputs": _specs(definition.outputs),
        }
        for name, definition in sorted(definitions.items())
    }


def _specs(infos: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {"dtype": tf.dtypes.as_dtype(info.dtype).name, "shape": [dim.size for dim in info.tensor_shape.dim]}
        for name, info in sorted(infos.items())
    }
