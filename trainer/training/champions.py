"""The version that a retraining starts from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Champion:
    """The version to start from.

    Attributes:
        saved_model: folder of the SavedModel that serves.
        labels: a classifier's classes, in the order of its scores.
        title: its model and number, such as `style version 3`.
        codes: a style network's known paintings, name -> code float [D].
    """

    saved_model: Path
    labels: tuple[str, ...]
    title: str
    codes: Mapping[str, Sequence[float]]


def read(description: str | None) -> Champion | None:
    """The champion that a file describes, an object of its attributes; None without a file."""
    if not description or not Path(description).is_file():
        return None
    found = json.loads(Path(description).read_text())
    return Champion(Path(found["saved_model"]), tuple(found["labels"]), found["title"], found["codes"])
