"""Whether the serving directory still holds what was pushed."""

import dataclasses
import os
import stat
from pathlib import Path
from typing import Any

from easel_serving.registry import files, signing
from easel_serving.registry.directory import MANIFEST, MANIFESTS, RETIRED, Directory, Version
from easel_serving.registry.journal import JOURNAL


@dataclasses.dataclass(frozen=True)
class Finding:
    """One difference: `path` is in the serving directory.

    `kind` is `missing`, `changed`, `foreign`, `unsigned` or `damaged`, of which `why` says more.
    """

    model: str
    version: int
    kind: str
    path: str
    why: str = ""


def verify(serving_dir: str | Path, public_key: str | Path | None = None) -> list[Finding]:
    """Compares every file with its SHA-256 in the manifest; empty when all is as it was pushed.

    `missing`: a file, or a whole version that was not retired, is gone, or a label points at nothing. `changed`: the
    content differs. `foreign`: a file, a link or a version that no push brought. `unsigned`: with `public_key`, a
    manifest that the holder of the key did not sign. `damaged`: a manifest that cannot be one, so that nobody knows
    what was pushed. What a killed writer left half-written is not reported: nobody reads it and the next writer removes
    it.
    """
    directory = Directory(serving_dir)
    findings = []
    for name in directory.models():
        for version in directory.history(name):
            findings += differences(directory.root, version)
            if public_key is not None and version.manifest and version.retired is None:
                findings += _unsigned(directory.root, version, public_key)
        findings += [*_labels(directory, name), *_strangers(directory.root, name)]
    return findings


def differences(root: Path, version: Version) -> list[Finding]:
    """Compares one version under the serving directory `root` with its manifest."""

    def finding(kind: str, path: Path) -> Finding:
        return Finding(version.model, version.number, kind, path.relative_to(root).as_posix())

    if version.retired is not None:
        return [finding("foreign", version.path)] if version.path.exists() and not _in_flight(root) else []
    if version.damage:
        path = version.manifest_dir / MANIFEST
        return [Finding(version.model, version.number, "damaged", path.relative_to(root).as_posix(), version.damage)]
    if not version.manifest or version.path.is_symlink():
        return [finding("foreign", version.path)]
    if not version.path.exists():
        return [] if _in_flight(root) else [finding("missing", version.path)]
    expected = {version.path / name: entry for name, entry in version.manifest["files"].items()}
    expected |= {version.manifest_dir / name: entry for name, entry in version.manifest["attachments"].items()}
    found = set(_files(version.path)) | set(_files(version.manifest_dir))
    found -= {version.manifest_dir / name for name in (MANIFEST, RETIRED, signing.SIGNATURE)}
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


def _strangers(root: Path, name: str) -> list[Finding]:
    """What lies beside the versions: nothing of ours, and TensorFlow Serving passes over it."""
    return [
        Finding(name, 0, "foreign", path.relative_to(root).as_posix())
        for path in sorted((root / name).iterdir())
        if not (path.is_dir() and (path.name.isdecimal() or path.name == MANIFESTS))
        if not path.name.startswith(files.TEMPORARY)
    ]


def _unsigned(root: Path, version: Version, public_key: str | Path) -> list[Finding]:
    manifest = (version.manifest_dir / MANIFEST).relative_to(root).as_posix()
    found = Finding(version.model, version.number, "unsigned", manifest)
    return [] if signing.signed(version, public_key) else [found]


def _in_flight(root: Path) -> bool:
    return (root / JOURNAL).exists()


def _files(root: Path) -> list[Path]:
    """Files and links: a link to a folder is none of ours, and would bring files that are in no manifest."""
    return [
        Path(folder, name)
        for folder, folders, names in os.walk(root)
        for name in [*names, *(name for name in folders if Path(folder, name).is_symlink())]
        if not name.startswith(files.TEMPORARY)
    ]


def _differs(path: Path, entry: dict[str, Any]) -> bool:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return True  # what a link points at may change after it was looked at, and a pipe has no end
    return status.st_size != entry["bytes"] or files.sha256(path) != entry["sha256"]
