"""Keeps the versions loaded that `models.config` asks for.

As TensorFlow Serving's server core with its availability-preserving policy: a version takes traffic once it is loaded
and warmed up, the old one serves until then (and on, when the new one cannot be loaded), and a label only ever points
at a version that is available.
"""

import concurrent.futures
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from easel_serving.models.tf_errors import one_line
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import StatusError, invalid
from easel_serving.registry import config_files
from easel_serving.registry.directory import MANIFESTS, STABLE, check_name
from easel_serving.server.loading.guest import Guest
from easel_serving.server.loading.versions import Slot, Versions

LOGGER = logging.getLogger("easel.serving")

Load = Callable[[Path], Any]
Wanted = dict[str, tuple[Path, frozenset[int], dict[str, int]]]
"""`{model: (folder, versions, labels)}`."""

_LOADERS = 2
"""Versions that are loaded at once: much of loading and warming up is TensorFlow's own, beside Python."""
_LOOK_SECONDS = 1.0
"""How often the directory is looked at."""
_TELL_SECONDS = 10.0
"""How often the log says that a version is still being loaded."""
_RETRY_SECONDS = (1.0, 5.0, 15.0, 60.0, 60.0)
"""Between one try to load a version and the next; as many as TensorFlow Serving makes by default, the first sooner."""


class Manager(Versions):
    """Models, versions and labels of a serving directory.

    Args:
        serving_dir: with `models.config`; `base_path`s are taken relative to it by their last component.
        load: makes a servable (with `close()`) of a version's folder; its exceptions are a failed load.
        stand_in: makes one that answers while the first version of a model is loaded, or raises.
        guest: a model that is served, too, until the directory has one in its place.
    """

    def __init__(self, serving_dir: Path, load: Load, stand_in: Load | None = None, guest: Guest | None = None):
        super().__init__()
        self._root = serving_dir
        self._load = load
        self._stand_in, self._guest = stand_in, guest
        self._refreshing = threading.Lock()
        self._looked = False
        self._tried = threading.Event()
        self._asked: tuple[bytes, list[Any]] | None = None
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
            for number in [number for number, slot in self._slots[name].items() if slot.held is not None]:
                self._end(name, number)

    def reload(self, configs: list[Any]) -> None:
        """Follows other `ModelConfig`s until `models.config` changes, as HandleReloadConfigRequest asks for.

        Raises:
            StatusError: with nothing changed. INVALID_ARGUMENT for what is no configuration, FAILED_PRECONDITION for a
                label that would move to a version which is not loaded (`ServerCore::UpdateModelVersionLabelMap` in
                server_core.cc).
        """
        try:
            wanted = _wanted(self._root, configs)
        except ServingError as error:
            raise invalid(str(error)) from None
        for name, (_, _, labels) in wanted.items():
            with self._lock:
                available, known = self._available(name), self._labels.get(name, {})
            for label, number in labels.items():
                if number not in available and known.get(label, number) != number:
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
            self._receive_guest()
            self._load_missing(self._relabel())
            wanted = self._relabel()
            for name, slots in list(self._slots.items()):
                if self._guest and name == self._guest.name:
                    continue
                numbers = wanted[name][1] if name in wanted else frozenset()
                if name in wanted and not numbers & self._available(name):
                    continue  # what serves now serves on until its successor can
                if name not in wanted:
                    with self._lock:
                        self._labels.pop(name, None)
                keep = numbers | set(self._labels.get(name, {}).values())
                for number in [number for number, slot in slots.items() if number not in keep and slot.state != "END"]:
                    self._end(name, number)
            self._send_guest_away()
            self._looked = True

    def ready(self) -> bool:
        """Whether the directory was read and every model that it asks for has a version that answers, by label, too."""
        with self._lock:
            asked = bool(self._labels) or self._looked
            return asked and all(self._settled(name) for name in self._labels if name in self._slots)

    def wait(self) -> bool:
        """Waits, once started, until what was asked for first is loaded or has failed; False when stopped before."""
        self._tried.wait()
        return not self._stop.is_set()

    def _watch(self, poll_seconds: float) -> None:
        told = ""
        while True:
            try:
                self.refresh()
                told = ""
            except ServingError as error:
                if str(error) != told:
                    LOGGER.error("%s", error)
                told = str(error)
            except Exception:
                LOGGER.exception("looking at %s failed", self._root)
            self._tried.set()
            if self._stop.wait(poll_seconds):
                return

    def _receive_guest(self) -> None:
        guest = self._guest
        if guest is None or self._slots.get(guest.name) or not guest.needed():
            return
        slot = Slot(since=time.monotonic())
        try:
            servable = guest.load()
        except Exception as error:  # the models of the directory are served all the same
            LOGGER.error("%s cannot be loaded: %s", guest.name, one_line(error))
            self._guest = None
            return
        with self._lock:
            self._slots[guest.name] = {guest.number: slot}
        self._publish(slot, servable, complete=True)
        self._point(guest.name, {STABLE: guest.number})
        LOGGER.info("%s", guest.word)

    def _send_guest_away(self) -> None:
        guest = self._guest
        if guest is None or guest.needed():
            return
        if self._slots.get(guest.name):
            self._end(guest.name, guest.number)
        with self._lock:
            self._labels.pop(guest.name, None)
            self._slots.pop(guest.name, None)
        self._guest = None

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
        slots = [self._loading(name, number, path) for name, number, path in missing]
        self._let_stand_in(missing, slots)
        with concurrent.futures.ThreadPoolExecutor(_LOADERS) as pool:
            loads = [
                pool.submit(self._load_version, *version, slot) for version, slot in zip(missing, slots, strict=True)
            ]
            last_told = time.monotonic()
            # A version takes traffic once it is there, and a rollback goes to one that is: neither waits for the rest.
            while concurrent.futures.wait(loads, _LOOK_SECONDS, concurrent.futures.FIRST_COMPLETED).not_done:
                with contextlib.suppress(ServingError):  # refresh() says so
                    self._relabel()
                loads = [load for load in loads if not load.done()]
                if time.monotonic() - last_told > _TELL_SECONDS:
                    last_told = time.monotonic()
                    self._tell(last_told)

    def _loading(self, name: str, number: int, path: Path) -> Slot:
        """The slot of a version that is to be loaded; one that answers already goes on doing so."""
        with self._lock:
            slot = self._slots.setdefault(name, {}).setdefault(number, Slot())
            before, slot.stamp, slot.since = slot.stamp, _stamp(path), time.monotonic()
            if slot.stamp != before:
                slot.failures = 0
            if slot.held is None:
                slot.state = "LOADING"
        return slot

    def _let_stand_in(self, missing: list[tuple[str, int, Path]], slots: list[Slot]) -> None:
        """Has models that do not answer at all yet answer by what is loaded in an instant."""
        idle = {name for name, _, _ in missing if not self._available(name)} if self._stand_in else set()
        for (name, number, path), slot in zip(missing, slots, strict=True):
            if name in idle:
                with contextlib.suppress(Exception):  # it may have none, and the version itself is loaded next
                    self._publish(slot, self._stand_in(path), complete=False)
                    LOGGER.info("%s version %s answers by its TFLite variants until it is loaded", name, number)
        with contextlib.suppress(ServingError):  # refresh() says so
            self._relabel()

    def _is_missing(self, name: str, number: int, path: Path) -> bool:
        """Whether a version is to be loaded: one that failed, when its time has come or its files have changed."""
        slot = self._slots.get(name, {}).get(number)
        if slot is None or (not slot.failures and not slot.complete):
            return True
        if slot.complete:
            return False
        due = slot.failures <= len(_RETRY_SECONDS) and time.monotonic() >= slot.again
        return due or slot.stamp != _stamp(path)

    def _load_version(self, name: str, number: int, path: Path, slot: Slot) -> None:
        LOGGER.info("loading %s version %s", name, number)
        try:
            if not (path / "saved_model.pb").is_file():
                raise ServingError(f"{path}: no SavedModel")
            servable = self._load(path)
        except Exception as error:  # a broken model must not take the server down
            self._failed(name, number, slot, one_line(error))
            return
        self._publish(slot, servable, complete=True)
        LOGGER.info("%s version %s is available, after %.1f s", name, number, time.monotonic() - slot.since)

    def _failed(self, name: str, number: int, slot: Slot, error: str) -> None:
        with self._lock:
            slot.failures += 1
            slot.error = error
            wait = dict(enumerate(_RETRY_SECONDS, 1)).get(slot.failures)
            slot.again = time.monotonic() + (wait or 0.0)
            if slot.held is None:
                slot.state = "END" if wait is None else "LOADING"
        then = "given up until its files change" if wait is None else f"tried again in {wait:g} s"
        LOGGER.error("%s version %s cannot be loaded, %s: %s", name, number, then, error)

    def _end(self, name: str, number: int) -> None:
        self._unload(name, number)
        LOGGER.info("%s version %s is unloaded", name, number)

    def _tell(self, now: float) -> None:
        with self._lock:
            loading = [
                f"{name} version {number} ({now - slot.since:.0f} s)"
                for name, slots in sorted(self._slots.items())
                for number, slot in sorted(slots.items())
                if slot.state == "LOADING" or (slot.held and not slot.complete)
            ]
        LOGGER.info("still loading %s", ", ".join(loading))


def _stamp(path: Path) -> tuple:
    """What the files are that decide whether a version can be loaded; another value when one of them is changed."""
    folder, found = path.parent / MANIFESTS / path.name, []
    with contextlib.suppress(OSError):
        found += sorted(folder.iterdir())
    stamp = []
    for file in [path / "saved_model.pb", *found]:
        with contextlib.suppress(OSError):
            status = file.stat()
            stamp.append((file.name, status.st_mtime_ns, status.st_size))
    return tuple(stamp)


def _text(root: Path) -> bytes:
    try:
        return (root / config_files.MODELS).read_bytes()
    except FileNotFoundError:
        return b""


def _wanted(root: Path, configs: list[Any]) -> Wanted:
    """What a configuration asks for, with its version policies; raises ServingError for what is none."""
    wanted: Wanted = {}
    for config in configs:
        if not config.name:
            raise ServingError("a model without a name")
        if config.name in wanted:  # ValidateModelConfigList in server_core.cc
            raise ServingError(f"Illegal to list model {config.name} multiple times in config list")
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
