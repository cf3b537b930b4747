"""The version that a retraining starts from."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Champion:
    """The version to start from.

    Attributes:
        saved_model: folder of the SavedModel that serves.
        labels: a classifier's classes, in the order of its scores.
    """

    saved_model: Path
    labels: tuple[str, ...]


def read(description: str | None) -> Champion | None:
    """The champion that a file describes (`{"saved_model": folder, "labels": [..]}`); None without a file."""
    if not description or not Path(description).is_file():
        return None
    found = json.loads(Path(description).read_text())
    return Champion(Path(found["saved_model"]), tuple(found["labels"]))
