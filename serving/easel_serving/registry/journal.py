"""Changes that are completed or undone after a kill: what is about to happen is written down first.

The order of a change is: journal, manifest, version folder, `models.config`, removals, audit log, end of the journal.
Whoever takes the lock next finds the journal of a killed change. A push whose version folder did not make it is undone;
everything else is carried to its end, each step of which may be repeated.
"""

import dataclasses
import json
import uuid
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import audit, config_files, documents, files
from easel_serving.registry.directory import MANIFESTS, PICTURES, RETIRED, check_name

JOURNAL = ".journal.json"


@dataclasses.dataclass(frozen=True)
class Change:
    """One change of one model, complete enough to be finished by another process."""

    record: dict[str, Any]
    """The line for the audit log; its `to` holds the labels after the change."""
    base_path: str
    arrives: int | None = None
    """The version whose folder must be there for the change to count."""
    is_new: bool = False
    """Whether that version's manifest is to be removed when the folder did not arrive."""
    leaves: tuple[int, ...] = ()
    """The versions to be taken out of service."""


def record(action: str, name: str, number: int, old: dict[str, int], new: dict[str, int], why: str) -> dict[str, Any]:
    """An audit record: when, who, why, and the labels from and to."""
    return {
        "id": uuid.uuid4().hex,
        "time": audit.now(),
        "who": audit.whoami(),
        "why": why,
        "action": action,
        "model": name,
        "version": number,
        "from": old,
        "to": new,
    }


def begin(root: Path, change: Change) -> None:
    """Writes the change down; from here on a kill cannot lose it."""
    files.write(root / JOURNAL, json.dumps(dataclasses.asdict(change)))


def finish(root: Path, change: Change) -> None:
    """Carries the change to its end, or undoes it when the version it brings did not arrive."""
    name = change.record["model"]
    manifests = root / name / MANIFESTS
    if change.arrives is None or (root / name / str(change.arrives)).exists():
        config_files.write_model(root, name, change.record["to"], change.base_path)
        for number in change.leaves:
            retired = {key: change.record[key] for key in ("action", "time", "who", "why")}
            files.write(manifests / str(number) / RETIRED, json.dumps(retired))
            kept = manifests / str(number)
            for doomed in (root / name / str(number), kept / "tflite", kept / PICTURES):
                if doomed.exists():
                    files.remove(doomed)
        audit.append(root, change.record)
    elif change.is_new and (manifests / str(change.arrives)).exists():
        files.remove(manifests / str(change.arrives))
    (root / JOURNAL).unlink()
    files.sync(root)


def recover(root: Path) -> None:
    """Ends what a killed writer began and removes what it left half-written. Call it with the lock held.

    Raises:
        ServingError: what is written down is no change: nothing is done.
    """
    change = _begun(root)
    if change is not None:
        finish(root, change)
    for pattern in ("*", "*/*", f"*/{MANIFESTS}/*", f"*/{MANIFESTS}/*/*"):
        for leftover in root.glob(pattern):
            if leftover.name.startswith(files.TEMPORARY):
                files.remove(leftover)


def _begun(root: Path) -> Change | None:
    path = root / JOURNAL
    try:
        written = documents.read(path)
        if written is None:
            return None
        change = Change(**{**written, "leaves": tuple(written["leaves"])})
        numbers = (*change.leaves, *(() if change.arrives is None else (change.arrives,)))
        if not audit.is_record(change.record) or not isinstance(change.base_path, str):
            raise ValueError("no record of a change")
        if not all(type(number) is int for number in numbers):
            raise ValueError("a version is no number")
        check_name(change.record["model"])
    except (ValueError, TypeError, KeyError, ServingError) as error:
        raise ServingError(
            f"{path}: damaged: no change that a writer began ({error}); see by `easel models verify` what is there, "
            "then remove this file"
        ) from None
    return change
