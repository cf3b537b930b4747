"""Whether the serving directory still holds what was pushed."""

import dataclasses
import os
from pathlib import Path
from typing import Any

from easel_serving import files
from easel_serving.directory import MANIFEST, RETIRED, Directory, Version
from easel_serving.journal import JOURNAL


@dataclasses.dataclass(frozen=True)
class Finding:
    """One difference: `kind` is `missing`, `changed` or `foreign`; `path` is relative to the serving directory."""

    model: str
    version: int
    kind: str
    path: str


def verify(serving_dir: str | Path) -> list[Finding]:
    """Compares every file with its SHA-256 in the manifest; empty when all is as it was pushed.

    `missing`: a file, or a whole version that was not retired, is gone, or a label points at nothing. `changed`: the
    content differs. `foreign`: a file or a version that no push brought. What a killed writer left half-written is not
    reported: nobody reads it and the next writer removes it.
    """
    directory = Directory(serving_dir)
    return [
        finding
        for name in directory.models()
        for finding in [
            *(finding for version in directory.history(name) for finding in _version(directory.root, version)),
            *_labels(directory, name),
        ]
    ]


def _version(root: Path, version: Version) -> list[Finding]:
    def finding(kind: str, path: Path) -> Finding:
        return Finding(version.model, version.number, kind, path.relative_to(root).as_posix())

    if version.retired:
        return []
    if not version.manifest:
        return [finding("foreign", version.path)]
    if not version.path.exists():
        in_flight = (root / JOURNAL).exists()
        return [] if in_flight else [finding("missing", version.path)]
    expected = {version.path / name: entry for name, entry in version.manifest["files"].items()}
    expected |= {version.manifest_dir / name: entry for name, entry in version.manifest["attachments"].items()}
    found = set(_files(version.path)) | set(_files(version.manifest_dir))
    found -= {version.manifest_dir / MANIFEST, version.manifest_dir / RETIRED}
    return [
        *(finding("missing", path) for path in sorted(set(expected) - found)),
        *(finding("foreign", path) for path in sorted(found - set(expected))),
        *(finding("changed", path) for path in sorted(found & set(expected)) if _differs(path, expected[path])),
    ]


def _labels(directory: Directory, name: str) -> list[Finding]:
    known = {version.number for version in directory.history(name)}
    return [
        Finding(name, number, "missing", f"{name}/{number}")
        for number in sorted(set(directory.labels(name).values()) - known)
    ]


def _files(root: Path) -> list[Path]:
    return [
        Path(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if not name.startswith(files.TEMPORARY)
    ]


def _differs(path: Path, entry: dict[str, Any]) -> bool:
    return path.stat().st_size != entry["bytes"] or files.sha256(path) != entry["sha256"]
