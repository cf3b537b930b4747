"""How the serving directory is changed: by one writer at a time, journalled, told to the server, taken back in need.

Which changes there are, `registry.registry` says.
"""

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import audit, config_files, journal, labelling, lock, soundness, succession
from easel_serving.registry.directory import Directory
from easel_serving.registry.remote import NotToldError, Remote

LOGGER = logging.getLogger("easel.serving")

BASE_PATH = "/models"


class Writer(Directory):
    """The serving directory with what every change of it takes; the arguments are those of `Registry`."""

    def __init__(
        self,
        serving_dir: str | Path,
        base_path: str | None = None,
        timeout: float | None = None,
        on_wait: Callable[[str], None] = LOGGER.warning,
        signing_key: str | Path | None = None,
        server: Remote | None = None,
    ):
        super().__init__(serving_dir)
        if base_path is not None and not base_path.startswith("/"):
            raise ServingError(f"{base_path}: the base path must be absolute, as TensorFlow Serving sees it")
        self._base_path = base_path
        self._timeout = timeout
        self._on_wait = on_wait
        self._signing_key = signing_key
        self._server = server

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with lock.exclusive(self.root, self._timeout, self._on_wait):
            journal.recover(self.root)
            if not (self.root / config_files.MODELS).exists():
                for name in self.models():
                    self._heal_config(name)
            try:
                yield
            except BaseException:
                # A failed writer (disk full, interrupt) leaves nothing for the next one to puzzle over.
                with contextlib.suppress(OSError, ServingError):
                    journal.recover(self.root)
                raise

    def _commit(self, change: journal.Change) -> None:
        journal.begin(self.root, change)
        journal.finish(self.root, change)

    def _change(
        self, action: str, name: str, number: int, labels: dict[str, int], why: str, **kwargs: Any
    ) -> journal.Change:
        record = journal.record(action, name, number, self.labels(name), labels, why)
        return journal.Change(record, self._model_base_path(name), **kwargs)

    def _model_base_path(self, name: str) -> str:
        entry = config_files.read_models(self.root).get(name)
        if self._base_path is None and entry is not None:
            return entry.base_path
        return f"{(self._base_path or BASE_PATH).rstrip('/')}/{name}"

    def _announce(self, change: journal.Change | None = None) -> None:
        """Tells the server, which nobody waits for: the lock is free.

        A `change` of labels is taken back when the server cannot load the version that they were moved to.
        """
        if self._server is None:
            return
        try:
            self._server.announce(self.root)
        except NotToldError as error:
            if change is None or (change.record["model"], change.record["version"]) not in error.missing:
                raise
            try:
                taken_back = self._take_back(change)
            except ServingError as busy:
                LOGGER.warning("%s", busy)
                taken_back = False
            if not taken_back:
                raise
            try:
                self._server.announce(self.root)
            except NotToldError as again:
                LOGGER.warning("%s", again)
            raise ServingError(f"{error.reason}; nothing was changed") from None

    def _take_back(self, change: journal.Change) -> bool:
        """Undoes a change of labels, unless somebody has decided on them since, or what served cannot be loaded now."""
        record = change.record
        name = record["model"]
        with self._writing():
            since = itertools.takewhile(lambda each: each["id"] != record["id"], reversed(self._records(name)))
            labels, loadable = record["from"], self._loadable(name)
            if any(map(succession.decides, since)) or not all(map(loadable, labels.values())):
                return False
            undo = self._change(succession.UNDO, name, record["version"], labels, "the server could not load it")
            undo.record["undoes"] = record["id"]
            self._commit(undo)
        return True

    def _require_sound(self, name: str, number: int) -> None:
        fault = soundness.fault(self.version(name, number))
        if fault:
            raise ServingError(f"{name} version {number} {fault}; a label needs a version that can be loaded")

    def _loadable(self, name: str) -> labelling.Loadable:
        known = {version.number: version for version in self.history(name)}
        return lambda number: number in known and soundness.fault(known[number]) is None

    def _next_number(self, name: str) -> int:
        used = [version.number for version in self.history(name)]
        used += [record["version"] for record in self._records(name)]
        used += self.labels(name).values()
        return max(used, default=0) + 1

    def _records(self, name: str) -> list[audit.Record]:
        return [record for record in audit.of_model(self.root, name) if record is not None]

    def _heal_config(self, name: str) -> None:
        labels = self.labels(name)
        base_path = self._model_base_path(name)
        entry = config_files.read_models(self.root).get(name)
        if labels and (entry is None or entry.base_path != base_path):
            config_files.write_model(self.root, name, labels, base_path)
