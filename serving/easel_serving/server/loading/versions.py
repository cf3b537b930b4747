"""The versions that are loaded, are being loaded or were, and the labels: a request holds the version it uses."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator
from typing import Any

from easel_serving.protocol.status import StatusError, invalid


@dataclasses.dataclass
class Held:
    """A servable, and how many requests it is answering: it is closed when there are none."""

    servable: Any
    users: int = 0


@dataclasses.dataclass
class Slot:
    """One version's state, by the names of `ModelVersionStatus.State`."""

    state: str = "START"
    held: Held | None = None
    """What answers."""
    complete: bool = False
    """Whether it is the version itself that answers, and not what stands in for it until it is loaded."""
    error: str = ""
    since: float = 0.0
    """When loading it began, by `time.monotonic`."""
    failures: int = 0
    again: float = 0.0
    """When loading is to be tried again."""
    stamp: tuple = ()
    """What its files were when loading failed: other ones are tried at once."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """A version that does not answer by itself yet."""

    model: str
    version: int
    state: str
    """`LOADING`, or `END` when loading was given up."""
    seconds: float | None
    """How long it has been loading, if that is known."""
    error: str
    """Why the last try failed, if one did."""

    def __str__(self) -> str:
        for_so_long = "" if self.seconds is None else f", {self.seconds:.0f} s so far"
        return f"{self.model} version {self.version} is loading{for_so_long}"


def _age(slot: Slot) -> float | None:
    return None if slot.state == "END" else time.monotonic() - slot.since


class Versions:
    """Models, versions and labels."""

    def __init__(self) -> None:
        self._slots: dict[str, dict[int, Slot]] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._wanted_labels: dict[str, dict[str, int]] = {}
        self._lock = threading.Condition()

    @contextlib.contextmanager
    def use(self, name: str, version: int | None = None, label: str | None = None) -> Iterator[tuple[int, Any]]:
        """The version that answers a request and its servable: by number, by label, else the highest available.

        It stays loaded until the context ends.

        Raises:
            StatusError: NOT_FOUND or INVALID_ARGUMENT, with TensorFlow Serving's messages.
        """
        with self._lock:
            version = self._resolve(name, version, label)
            held = self._slots[name][version].held
            held.users += 1
        try:
            yield version, held.servable
        finally:
            with self._lock:
                held.users -= 1
                self._lock.notify_all()

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
        """Whether a model of that name was asked for."""
        with self._lock:
            return name in self._labels

    def progress(self) -> list[Progress]:
        """The versions that were asked for and do not answer yet."""
        with self._lock:
            return [
                Progress(name, number, slot.state, _age(slot), slot.error)
                for name, slots in sorted(self._slots.items())
                for number, slot in sorted(slots.items())
                if slot.state in ("START", "LOADING") or (slot.state == "END" and slot.error)
            ]

    def _available(self, name: str) -> set[int]:
        return {number for number, slot in self._slots.get(name, {}).items() if slot.state == "AVAILABLE"}

    def _resolve(self, name: str, version: int | None, label: str | None) -> int:
        if label is not None:
            labels = self._labels.get(name, {})
            if label not in labels:
                raise invalid(f"Unrecognized servable version label: {label}")
            version = labels[label]
        available = self._available(name)
        if version is None:
            if not available:
                raise StatusError("NOT_FOUND", f"Servable not found for request: Latest({name})")
            return max(available)
        if version not in available:
            raise StatusError("NOT_FOUND", f"Servable not found for request: Specific({name}, {version})")
        return version

    def _point(self, name: str, labels: dict[str, int]) -> None:
        """Points labels where they are wanted, as far as that is loaded; the others stay where they were."""
        with self._lock:
            available, old = self._available(name), self._labels.get(name, {})
            wanted = {label: number if number in available else old.get(label) for label, number in labels.items()}
            self._labels[name] = {label: number for label, number in wanted.items() if number is not None}
            self._wanted_labels[name] = labels

    def _settled(self, name: str) -> bool:
        """Whether a model has versions that answer, and each of its labels that is to point at one of them does."""
        available, labels = self._available(name), self._labels[name]
        wanted = self._wanted_labels[name].items()
        return bool(available) and all(labels.get(label) == number for label, number in wanted if number in available)

    def _publish(self, slot: Slot, servable: Any, complete: bool) -> None:
        """Lets a servable answer, instead of what stood in for it."""
        with self._lock:
            before, slot.held = slot.held, Held(servable)
            slot.state, slot.complete, slot.error, slot.failures = "AVAILABLE", complete, "", 0
        self._close(before)

    def _unload(self, name: str, number: int) -> None:
        with self._lock:
            slot = self._slots[name][number]
            slot.state = "UNLOADING"
        self._close(slot.held)
        with self._lock:
            # What was unloaded stays listed, as there; it is loaded again when it is asked for.
            self._slots[name][number] = Slot("END")

    def _close(self, held: Held | None) -> None:
        if held is not None:
            with self._lock:
                self._lock.wait_for(lambda: held.users == 0)
            held.servable.close()
