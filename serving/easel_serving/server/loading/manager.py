"""Keeps the versions loaded that `models.config` asks for.

As TensorFlow Serving's server core with its availability-preserving policy: a version takes traffic once it is loaded
and warmed up, the old one serves until then (and on, when the new one cannot be loaded), and a label only ever points
at a version that is available.
"""

import concurrent.futures
import contextlib
import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from easel_serving.models.tf_errors import one_line
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import StatusError, invalid
from easel_serving.registry import config_files
from easel_serving.registry.directory import check_name

LOGGER = logging.getLogger("easel.serving")

Load = Callable[[Path], Any]
Wanted = dict[str, tuple[Path, frozenset[int], dict[str, int]]]
"""`{model: (folder, versions, labels)}`."""

_LOADERS = 2
"""Versions that are loaded at once: much of loading and warming up is TensorFlow's own, beside Python."""
_LOOK_SECONDS = 1.0
"""How often the directory is looked at."""


@dataclasses.dataclass
class Slot:
    """One version's state, by the names of `ModelVersionStatus.State`."""

    state: str = "START"
    servable: Any = None
    error: str = ""
    users: int = 0
    """Requests that this version is answering: it is unloaded when there are none."""
    stamp: float = 0.0
    """The modification time of `saved_model.pb` that failed to load: a changed file is tried again."""


class Manager:
    """Models, versions and labels of a serving directory.

    Args:
        serving_dir: with `models.config`; `base_path`s are taken relative to it by their last component.
        load: makes a servable (with `close()`) of a version's folder; its exceptions are a failed load.
    """

    def __init__(self, serving_dir: Path, load: Load):
        self._root = serving_dir
        self._load = load
        self._slots: dict[str, dict[int, Slot]] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._lock = threading.Condition()
        self._refreshing = threading.Lock()
        self._looked = False
        self._asked: tuple[str, list[Any]] | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, poll_seconds: float = _LOOK_SECONDS) -> None:
        """Looks at the directory every `poll_seconds` until `stop`; the first look is taken at once."""
        self._thread = threading.Thread(target=self._watch, args=(poll_seconds,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops watching, answers what is queued and unloads everything."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        for name in list(self._slots):
            for number in [number for number, slot in self._slots[name].items() if slot.servable is not None]:
                self._unload(name, number)

    def reload(self, configs: list[Any]) -> None:
        """Follows other `ModelConfig`s until `models.config` changes, as HandleReloadConfigRequest asks for.

        Raises:
            StatusError: FAILED_PRECONDITION, with nothing changed, for a label that would move to a version which is
                not loaded (`ServerCore::UpdateModelVersionLabelMap` in server_core.cc).
        """
        for config in configs:
            name, labels = config.name, config_files.entry(config).labels
            with self._lock:
                slots, known = self._slots.get(name, {}), self._labels.get(name, {})
                for label, number in labels.items():
                    loaded = number in slots and slots[number].state == "AVAILABLE"
                    if not loaded and known.get(label, number) != number:
                        raise StatusError(
                            "FAILED_PRECONDITION",
                            f"Request to assign label to version {number} of model {name}, which is not currently "
                            "available for inference",
                        )
        self._asked = (_text(self._root), configs)
        self.refresh()

    def refresh(self) -> None:
        """Loads, labels and unloads what `models.config` now says; returns when that is done.

        Raises:
            ServingError: `models.config` cannot be parsed; everything stays as it is.
        """
        with self._refreshing:
            self._load_missing(self._relabel())
            wanted = self._relabel()
            for name, slots in list(self._slots.items()):
                numbers = wanted[name][1] if name in wanted else frozenset()
                available = {number for number in numbers if slots.get(number, Slot()).state == "AVAILABLE"}
                if name in wanted and not available:
                    continue  # what serves now serves on until its successor can
                if name not in wanted:
                    with self._lock:
                        self._labels.pop(name, None)
                keep = numbers | set(self._labels.get(name, {}).values())
                for number in [number for number, slot in slots.items() if number not in keep and slot.state != "END"]:
                    self._unload(name, number)
            self._looked = True

    def _relabel(self) -> Wanted:
        """Points the labels where they are wanted now, as far as that is loaded; returns what is wanted."""
        if self._asked is not None and self._asked[0] != _text(self._root):
            self._asked = None
        wanted = _wanted(self._root, self._asked[1] if self._asked else config_files.read_configs(self._root))
        for name, (_, _, labels) in wanted.items():
            self._point(name, labels)
        return wanted

    def _load_missing(self, wanted: Wanted) -> None:
        missing = [
            (name, number, folder / str(number))
            for name, (folder, numbers, _) in wanted.items()
            for number in sorted(numbers, reverse=True)
            if self._is_missing(name, number, folder / str(number))
        ]
        if not missing:
            return
        with concurrent.futures.ThreadPoolExecutor(_LOADERS) as pool:
            loads = [pool.submit(self._load_version, *version) for version in missing]
            # A version takes traffic once it is there, and a rollback goes to one that is: neither waits for the rest.
            while concurrent.futures.wait(loads, _LOOK_SECONDS, concurrent.futures.FIRST_COMPLETED).not_done:
                with contextlib.suppress(ServingError):  # refresh() says so
                    self._relabel()
                loads = [load for load in loads if not load.done()]

    @contextlib.contextmanager
    def use(self, name: str, version: int | None = None, label: str | None = None) -> Iterator[tuple[int, Any]]:
        """The version that answers a request and its servable: by number, by label, else the highest available.

        It stays loaded until the context ends.

        Raises:
            StatusError: NOT_FOUND or INVALID_ARGUMENT, with TensorFlow Serving's messages.
        """
        with self._lock:
            version = self._resolve(name, version, label)
            slot = self._slots[name][version]
            slot.users += 1
        try:
            yield version, slot.servable
        finally:
            with self._lock:
                slot.users -= 1
                self._lock.notify_all()

    def _resolve(self, name: str, version: int | None, label: str | None) -> int:
        slots = self._slots.get(name, {})
        if label is not None:
            labels = self._labels.get(name, {})
            if label not in labels:
                raise invalid(f"Unrecognized servable version label: {label}")
            version = labels[label]
        if version is None:
            available = [number for number, slot in slots.items() if slot.state == "AVAILABLE"]
            if not available:
                raise StatusError("NOT_FOUND", f"Servable not found for request: Latest({name})")
            version = max(available)
        slot = slots.get(version)
        if slot is None or slot.state != "AVAILABLE":
            raise StatusError("NOT_FOUND", f"Servable not found for request: Specific({name}, {version})")
        return version

    def states(self, name: str, version: int | None = None) -> list[tuple[int, str, str]]:
        """`(version, state, error)` of one or all versions of a model, the highest first; "" without an error.

        A label selects nothing here: get_model_status_impl.cc does not look at it.
        """
        with self._lock:
            slots = self._slots.get(name, {})
            if version is not None and version not in slots:
                raise StatusError("NOT_FOUND", f"Could not find version {version} of model {name}")
            if not slots:
                raise StatusError("NOT_FOUND", f"Could not find any versions of model {name}")
            numbers = sorted(slots, reverse=True) if version is None else [version]
            return [(number, slots[number].state, slots[number].error) for number in numbers]

    def models(self) -> dict[str, dict[str, int]]:
        """The labels of every model that was asked for, by name."""
        with self._lock:
            return {
                name: dict(self._labels.get(name, {}))
                for name, slots in sorted(self._slots.items())
                if any(slot.state != "END" or slot.error for slot in slots.values())
            }

    def serves(self, name: str) -> bool:
        """Whether the configuration asks for a model of that name."""
        with self._lock:
            return name in self._labels

    def ready(self) -> bool:
        """Whether the directory was read and every model that it asks for has a version that answers."""
        with self._lock:
            wanted = [slots for name, slots in self._slots.items() if name in self._labels]
            return self._looked and all(any(slot.state == "AVAILABLE" for slot in slots.values()) for slots in wanted)

    def _watch(self, poll_seconds: float) -> None:
        while True:
            try:
                self.refresh()
            except ServingError as error:
                LOGGER.error("%s", error)
            except Exception:
                LOGGER.exception("looking at %s failed", self._root)
            if self._stop.wait(poll_seconds):
                return

    def _is_missing(self, name: str, number: int, path: Path) -> bool:
        """Whether a version is to be loaded: one that failed, once its file has changed."""
        slot = self._slots.get(name, {}).get(number)
        return slot is None or (slot.state != "AVAILABLE" and slot.stamp != _stamp(path))

    def _load_version(self, name: str, number: int, path: Path) -> None:
        stamp = _stamp(path)
        slot = Slot("LOADING", stamp=stamp)
        with self._lock:
            self._slots.setdefault(name, {})[number] = slot
        try:
            if not stamp:
                raise ServingError(f"{path}: no SavedModel")
            servable = self._load(path)
        except Exception as error:  # a broken model must not take the server down
            LOGGER.error("%s version %s cannot be loaded: %s", name, number, one_line(error))
            with self._lock:
                slot.state, slot.error = "END", one_line(error)
            return
        with self._lock:
            slot.servable, slot.state = servable, "AVAILABLE"
        LOGGER.info("%s version %s is available", name, number)

    def _point(self, name: str, labels: dict[str, int]) -> None:
        with self._lock:
            slots = self._slots.get(name, {})
            old = self._labels.get(name, {})
            new = {}
            for label, number in labels.items():
                if number in slots and slots[number].state == "AVAILABLE":
                    new[label] = number
                elif label in old:
                    new[label] = old[label]
            self._labels[name] = new

    def _unload(self, name: str, number: int) -> None:
        with self._lock:
            slot = self._slots[name][number]
            slot.state = "UNLOADING"
            self._lock.wait_for(lambda: slot.users == 0)
        if slot.servable is not None:
            slot.servable.close()
        with self._lock:
            # What was unloaded stays listed, as there; it is loaded again when it is asked for.
            slot.servable, slot.state, slot.stamp = None, "END", 0.0
        LOGGER.info("%s version %s is unloaded", name, number)


def _stamp(path: Path) -> float:
    """The modification time of a version's `saved_model.pb`; 0 when there is none."""
    try:
        return (path / "saved_model.pb").stat().st_mtime
    except OSError:
        return 0.0


def _text(root: Path) -> str:
    path = root / config_files.MODELS
    return path.read_text() if path.exists() else ""


def _wanted(root: Path, configs: list[Any]) -> Wanted:
    """What a configuration asks for, with its version policies."""
    wanted = {}
    for config in configs:
        folder = root / check_name(Path(config.base_path or config.name).name)
        found = sorted(int(path.name) for path in folder.glob("*") if path.name.isdecimal() and path.is_dir())
        policy = config.model_version_policy
        chosen = policy.WhichOneof("policy_choice")
        if chosen == "specific":
            numbers = policy.specific.versions
        elif chosen == "all":
            numbers = found
        else:
            numbers = found[-(policy.latest.num_versions or 1) :]
        wanted[config.name] = (folder, frozenset(numbers), config_files.entry(config).labels)
    return wanted
