"""How a TensorFlow Serving is led to another configuration, so that it refuses nothing of it.

Labels may only point at versions that are loaded, and one that does not makes the server refuse the whole
(`ServerCore::ReloadConfig` in tensorflow_serving/model_servers/server_core.cc sets the labels first). So a model's
versions are asked for with its labels where they were, and its labels move once the versions are there. A model whose
versions do not come goes on with what it serves, and holds up no other.
"""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from easel_serving.registry import audit, config_files
from easel_serving.registry.model_service import CallError, ModelService, State

_POLL_SECONDS = 0.2
_SETTLE_SECONDS = 3.0
"""How long an error may still be that of an earlier attempt: the server looks at its files once a second."""

Faults = dict[tuple[str, int], str]
"""Why a version is not loaded, by model and number."""


class Leading:
    """One announcement.

    `configs` are the `ModelConfig` messages that it is to follow; the versions of a model must be loaded within
    `timeout` seconds.
    """

    def __init__(self, service: ModelService, root: Path, configs: Iterable[Any], timeout: float):
        self._service, self._root, self._timeout = service, root, timeout
        self._wanted = {config.name: config for config in configs}
        self._asked: dict[str, Any] = {}
        """What the server is asked for, by model."""

    def run(self) -> Faults:
        """Leads the server; returns what could not be loaded.

        Raises:
            CallError: the server cannot be reached, or refuses what it serves already.
        """
        states = {name: self._service.states(name) for name in self._wanted}
        self._asked = {name: self._possible(name, states[name]) for name in self._wanted if _available(states[name])}
        behind = [name for name in self._wanted if not self._numbers(name) <= _available(states[name])]
        if not behind:
            self._reload()
        faults: Faults = {}
        for name in behind:
            faults |= self._follow(name, states[name])
        return faults

    def _follow(self, name: str, before: Mapping[int, State]) -> Faults:
        """Has the versions of one model loaded, then moves its labels; takes back what was asked for in vain."""
        lost = [
            number
            for number in sorted(self._numbers(name) - _available(before))
            if not (self._root / name / str(number) / "saved_model.pb").is_file()
        ]
        faults = {(name, number): f"{name} version {number} has lost its folder" for number in lost}
        faults = faults or self._load(name, before)
        self._asked[name] = self._wanted[name]
        if faults:
            states = self._service.states(name)
            self._asked[name] = self._possible(name, states)
            if not _available(states):
                del self._asked[name]
        self._reload()
        return faults

    def _load(self, name: str, before: Mapping[int, State]) -> Faults:
        from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

        numbers = self._numbers(name)
        self._asked[name] = self._possible(name, before, numbers)
        begun = time.monotonic()
        try:
            self._reload()  # which waits for the versions of a model that is new to the server
        except CallError as error:
            return {(name, number): f"{name} version {number} cannot be loaded: {error.details}" for number in numbers}

        def decided() -> bool:
            states = self._service.states(name)
            old = before if time.monotonic() - begun < _SETTLE_SECONDS else {}
            failed = [number for number in numbers if _failed(states.get(number)) and states[number] != old.get(number)]
            return bool(failed) or numbers <= _available(states)

        Retrying(
            retry=retry_if_result(lambda is_decided: not is_decided),
            stop=stop_after_delay(self._timeout),
            wait=wait_fixed(_POLL_SECONDS),
            retry_error_callback=lambda _: None,
        )(decided)
        states = self._service.states(name)
        return {
            (name, number): f"{name} version {number} "
            + (f"cannot be loaded: {states[number].error}" if _failed(states.get(number)) else "was not loaded in time")
            for number in sorted(numbers - _available(states))
        }

    def _possible(self, name: str, states: Mapping[int, State], more: Iterable[int] = ()) -> Any:
        """The model's configuration as far as its versions are loaded: a label where it is wanted, else where it was.

        `more` are versions that are to be loaded besides.
        """
        wanted, available = self._wanted[name], _available(states)
        records = [record["from"] for record in reversed(audit.read(self._root)) if record["model"] == name]
        labels = {}
        for label, number in config_files.entry(wanted).labels.items():
            earlier = (number, *(record[label] for record in records if label in record))
            target = next((candidate for candidate in earlier if candidate in available), None)
            if target is not None:
                labels[label] = target
        possible = type(wanted)()
        possible.CopyFrom(wanted)
        possible.version_labels.clear()
        possible.version_labels.update(labels)
        numbers = {*labels.values(), *(self._numbers(name) & available), *more}
        possible.model_version_policy.specific.versions[:] = sorted(numbers)
        return possible

    def _numbers(self, name: str) -> frozenset[int]:
        return frozenset(config_files.entry(self._wanted[name]).versions)

    def _reload(self) -> None:
        self._service.reload([self._asked[name] for name in sorted(self._asked)], self._timeout)


def _available(states: Mapping[int, State]) -> set[int]:
    return {number for number, state in states.items() if state.name == "AVAILABLE"}


def _failed(state: State | None) -> bool:
    return state is not None and state.name == "END" and bool(state.error)
