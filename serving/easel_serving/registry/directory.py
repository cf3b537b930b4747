"""Reading the serving directory: models, versions, labels, manifests. No lock is needed: every change is one rename.

<serving>/models.config  monitoring.config  batching.config  audit.jsonl
<serving>/<model>/<version>/                a SavedModel, as TensorFlow Serving reads it
<serving>/<model>/manifests/<version>/      manifest.json, card.md, labels.txt | styles.json, tflite/
"""

import dataclasses
import difflib
import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import audit, config_files, documents
from easel_serving.registry.documents import DamagedError

MANIFESTS = "manifests"
MANIFEST = "manifest.json"
RETIRED = "retired.json"
PICTURES, INDEX = "pictures", "index.json"
STABLE = "stable"
CANARY = "canary"
PREVIOUS = "previous"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")


@dataclasses.dataclass(frozen=True)
class Version:
    """One version of a model."""

    model: str
    number: int
    path: Path
    """The SavedModel folder."""
    manifest_dir: Path
    manifest: dict[str, Any]
    """`manifest.json`; empty for a folder that was not pushed through the registry, and where it is damaged."""
    labels: tuple[str, ...]
    damage: str = ""
    """Why the manifest is not what was written, in words; "" where nothing is wrong with it."""

    @property
    def title(self) -> str:
        """The version as messages name it."""
        return f"{self.model} version {self.number}"

    @property
    def digest(self) -> str:
        """The content digest of the SavedModel as it was pushed, warm-up records left out; "" without a manifest."""
        return self.manifest.get("digest", "")

    @property
    def present(self) -> bool:
        """Whether the SavedModel is there; false once it is retired, or when somebody emptied the folder."""
        return (self.path / "saved_model.pb").is_file()

    @property
    def styles(self) -> list[str]:
        """The names of the paintings that a style network knows, in its order; empty for other models."""
        return list(self.codes)

    @property
    def codes(self) -> dict[str, list[float]]:
        """The style codes of those paintings, by name; empty for other models."""
        path = self.manifest_dir / "styles.json"
        try:
            return {style["name"]: style.get("code", []) for style in _json(path) or []}
        except (TypeError, KeyError, AttributeError):
            raise ServingError(f"{path}: damaged: no list of paintings") from None

    @property
    def pictures(self) -> dict[str, list[str]]:
        """Small example pictures by the name of the style or class they show: files in the manifest's `pictures/`."""
        return read_pictures(self.manifest_dir)

    @property
    def retired(self) -> dict[str, Any] | None:
        """Who took the version out of service, when and why; None for a version that is in use.

        A damaged file says that it was, but no more.
        """
        path = self.manifest_dir / RETIRED
        try:
            found = documents.read(path)
        except DamagedError as error:
            documents.tell(path, str(error))
            found = {}
        if found is None:
            return None
        return {"action": "retire", "time": "", "who": "", "why": ""} | (found if isinstance(found, dict) else {})


class Directory:
    """The serving directory, read only. Missing folders are empty ones."""

    def __init__(self, serving_dir: str | Path):
        self.root = Path(serving_dir).absolute()

    def models(self) -> list[str]:
        """The names of the models of which a version was ever pushed, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(
            path.name for path in self.root.iterdir() if _NAME.fullmatch(path.name) and path.is_dir() and _numbers(path)
        )

    def kinds(self) -> set[str]:
        """The kinds (`classifier`, `style`) of what was ever pushed. Each manifest is read but once."""
        manifests = (
            self.root / name / MANIFESTS / str(number) / MANIFEST
            for name in self.models()
            for number in _numbers(self.root / name)
        )
        found = (_kind(path, path.stat().st_mtime_ns) for path in manifests if path.is_file())
        return {kind for kind in found if kind is not None}

    def versions(self, name: str) -> list[Version]:
        """The versions whose SavedModel is there, ascending; empty for a model never pushed."""
        return [version for version in self.history(name) if version.present]

    def history(self, name: str) -> list[Version]:
        """Every version of which a folder or a manifest is left, retired and lost ones too, ascending."""
        labels = self.labels(name)
        return [self._version(name, number, labels) for number in sorted(_numbers(self.root / check_name(name)))]

    def version(self, name: str, number: int) -> Version:
        """One version, whose manifest may be relied on.

        Raises:
            ServingError: there is none of that number (the message names the ones there are), or it is damaged.
        """
        return _undamaged(self.find(name, number))

    def find(self, name: str, number: int) -> Version:
        """One version, its manifest damaged or not; raises ServingError when there is none of that number."""
        found = {version.number: version for version in self.history(name)}
        if number not in found:
            if not found:
                near = difflib.get_close_matches(name, self.models(), 1)
                hint = f"did you mean {near[0]}?" if near else f"models here: {', '.join(self.models()) or 'none'}"
                raise ServingError(f"{self.root}: no model named {name}; {hint}")
            raise ServingError(f"{name} has no version {number}; there are {', '.join(map(str, found))}")
        return found[number]

    def labels(self, name: str) -> dict[str, int]:
        """`{label: version}` from `models.config`; from the audit log when the model is not in it (a lost file)."""
        entry = config_files.read_models(self.root).get(name)
        if entry is not None:
            return dict(entry.labels)
        records = [record for record in audit.of_model(self.root, name) if record is not None]
        return dict(records[-1]["to"]) if records else {}

    def labelled(self, name: str, label: str) -> Version | None:
        """The version a label points at; None without the label, or when its SavedModel is gone.

        Raises:
            ServingError: its manifest is damaged.
        """
        labels = self.labels(name)
        if label not in labels:
            return None
        version = self._version(name, labels[label], labels)
        return _undamaged(version) if version.present else None

    def stable(self, name: str) -> Version | None:
        """The version that serves; None when there is none, or when its SavedModel is gone; errors as `labelled`."""
        return self.labelled(name, STABLE)

    def _version(self, name: str, number: int, labels: dict[str, int]) -> Version:
        manifest_dir = self.root / name / MANIFESTS / str(number)
        manifest, damage = {}, ""
        try:
            manifest = documents.manifest(documents.read(manifest_dir / MANIFEST))
        except DamagedError as error:
            damage = str(error)
            documents.tell(manifest_dir / MANIFEST, damage)
        return Version(
            model=name,
            number=number,
            path=self.root / name / str(number),
            manifest_dir=manifest_dir,
            manifest=manifest,
            labels=tuple(sorted(label for label, target in labels.items() if target == number)),
            damage=damage,
        )


def listing(serving_dir: str | Path) -> list[dict[str, Any]]:
    """What is pushed, as `easel models --json` prints it: one entry a version, by model, then ascending.

    `[{"model", "version", "created", "labels": [..], "metrics": {"candidate", "champion", "trivial"}, "tflite": [..]}]`
    """
    directory = Directory(serving_dir)
    return [_summary(version) for name in directory.models() for version in directory.versions(name)]


def check_name(name: str, what: str = "model") -> str:
    """The name of a model, or of `what` else; raises ServingError for one that cannot be a folder beside versions."""
    if not _NAME.fullmatch(name):
        raise ServingError(f"{name!r} cannot name a {what}: use letters, digits, '.', '_' and '-', a letter first")
    return name


def known_style(name: str, names: Sequence[str], title: str) -> str:
    """The name itself, when it is one of `names`.

    Raises:
        ServingError: it is not; the message offers the nearest, or says which there are.
    """
    if name in names:
        return name
    near = difflib.get_close_matches(name.lower(), {known.lower(): known for known in names}, 1, 0.5)
    hint = next((f"did you mean {known}?" for known in names if near and known.lower() == near[0]), "")
    hint = hint or f"known are {', '.join(names[:8]) or 'none'}{', ...' if len(names) > 8 else ''}"
    raise ServingError(f"{name}: neither a file nor a painting that {title} knows; {hint}")


def _summary(version: Version) -> dict[str, Any]:
    metrics = version.manifest.get("metrics", {})
    return {
        "model": version.model,
        "version": version.number,
        "created": version.manifest.get("created", ""),
        "labels": list(version.labels),
        "metrics": {
            "candidate": metrics.get("candidate", {}),
            "champion": metrics.get("champion"),
            "trivial": metrics.get("trivial", {}),
        },
        "tflite": version.manifest.get("tflite", []),
    }


def _numbers(model_dir: Path) -> set[int]:
    """Versions, by the rule of TensorFlow Serving: the folders whose name is an integer."""
    found = set()
    for parent in (model_dir, model_dir / MANIFESTS):
        if parent.is_dir():
            found |= {int(path.name) for path in parent.iterdir() if path.name.isdecimal() and path.is_dir()}
    return found


def read_pictures(manifest_dir: Path) -> dict[str, list[str]]:
    """See `Version.pictures`; also of a version that is not pushed yet."""
    path = manifest_dir / PICTURES / INDEX
    found = _json(path) or {}
    if not isinstance(found, dict) or not all(isinstance(names, list) for names in found.values()):
        raise ServingError(f"{path}: damaged: no names of pictures")
    return found


def _undamaged(version: Version) -> Version:
    if version.damage:
        path = version.manifest_dir / MANIFEST
        raise ServingError(f"{path}: manifest damaged: {version.damage}; restore the file or retire {version.title}")
    return version


@functools.lru_cache(maxsize=4096)
def _kind(manifest: Path, written: int) -> str | None:
    """What a manifest that was written then says its model is, whatever else it says."""
    try:
        found = documents.read(manifest)
    except DamagedError:
        return None
    return found.get("kind") if isinstance(found, dict) else None


def _json(path: Path) -> Any:
    try:
        return documents.read(path)
    except DamagedError as error:
        raise ServingError(f"{path}: damaged: {error}; restore the file or retire the version") from None
