"""The registry: the one writer of versions, manifests and `models.config`.

Safe with several processes (one lock), with kills (every change is journalled) and with TensorFlow Serving reading
along (a version appears by one rename, complete). Labels: `stable` serves; `canary` is tried; `previous` was stable
before and stays loaded, so that a rollback takes no loading. TensorFlow Serving moves a label only to a version that is
loaded: `easel_serving.remote` leads one that runs, after the change is made and the lock released; the embedded server
needs no leading.
"""

import contextlib
import dataclasses
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import (
    audit,
    config_files,
    files,
    journal,
    labelling,
    lock,
    signing,
    soundness,
    staging,
    succession,
    verify,
)
from easel_serving.registry.directory import (
    MANIFEST,
    MANIFESTS,
    PREVIOUS,
    STABLE,
    Directory,
    Version,
    check_name,
)
from easel_serving.registry.remote import NotToldError, Remote

LOGGER = logging.getLogger("easel.serving")

BASE_PATH = "/models"


@dataclasses.dataclass(frozen=True)
class Push:
    """What became of a push: `pushed`, `unchanged` (the content already is a version) or `refilled` (it was lost)."""

    outcome: str
    version: Version


class Registry(Directory):
    """The serving directory, read and written.

    Args:
        serving_dir: made by the first push.
        base_path: where TensorFlow Serving sees the serving directory, an absolute path (`/models` in its container);
            None keeps what `models.config` says.
        timeout: seconds to wait for another writer; None waits as long as it must.
        on_wait: is told, in words, which writer is waited for; without it, the log is.
        signing_key: a private key (PEM) that signs every pushed manifest; see `easel_serving.registry.signing`.
        server: a TensorFlow Serving that is told of every change. What it cannot load is promoted nowhere: the labels
            go back. When it cannot be reached, the change stands.
    """

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

    def push(
        self,
        name: str,
        saved_model: str | Path,
        manifest: Mapping[str, Any],
        attachments: str | Path | None = None,
        warmup: bytes = b"",
        policy: str = "auto",
        why: str = "",
    ) -> Push:
        """Makes a SavedModel the next version, unless its content already is one.

        A content that was rolled back or retired stays so: the outcome is `unchanged` and no label moves. A version
        whose folder was lost (not retired) is filled again under its own number. The server is told in any case: it may
        not have heard of an earlier push.

        Args:
            name: of the model.
            saved_model: the folder with `saved_model.pb`.
            manifest: lineage, metrics, `created`; the registry adds `model`, `version`, `digest` and `files`.
            attachments: a folder whose content is put beside `manifest.json`.
            warmup: TFRecords of `PredictionLog` for `assets.extra/tf_serving_warmup_requests`.
            policy: one of `labelling.POLICIES`.
            why: for the audit log.

        Raises:
            ServingError: no SavedModel, a name that cannot be one, an unknown policy, another writer.
            NotToldError: the version is pushed, and the server did not follow.
        """
        check_name(name)
        saved_model = Path(saved_model)
        if not (saved_model / "saved_model.pb").is_file():
            raise ServingError(f"{saved_model}: no SavedModel (saved_model.pb) to push as {name}")
        if policy not in labelling.POLICIES:
            raise ServingError(f"{policy!r} is no promotion policy; use one of {', '.join(labelling.POLICIES)}")
        with self._writing():
            config_files.write_defaults(self.root)
            digest = files.model_digest(saved_model)
            known = [version for version in self.history(name) if version.digest == digest and not _collected(version)]
            if known:
                done = self._known(known[-1], saved_model, warmup)
            else:
                number = self._next_number(name)
                labels = labelling.pushed(self.labels(name), number, policy, self._loadable(name))
                staged = staging.model(self.root / name, saved_model, warmup)
                facts = {"model": name, "version": number, "digest": digest, "files": files.hashes(staged)}
                document = {**manifest, **facts}
                staged_manifest = staging.manifest(self.root / name, document, attachments, self._signing_key)
                change = self._change("push", name, number, labels, why, arrives=number, is_new=True)
                journal.begin(self.root, change)
                files.rename(staged_manifest, self.root / name / MANIFESTS / str(number))
                files.rename(staged, self.root / name / str(number))
                journal.finish(self.root, change)
                done = Push("pushed", self.version(name, number))
        self._announce()
        return done

    def promote(self, name: str, number: int, label: str = STABLE, why: str = "") -> dict[str, int]:
        """Points `stable` or `canary` at a version; the old stable becomes `previous`. Returns the labels.

        Raises:
            ServingError: there is no such version, or it is not whole, or the server cannot load it; nothing changed.
            NotToldError: the change is made, and the server did not follow; here as in all methods that change labels.
        """
        return self._relabel("promote", name, number, label, why)

    def label(self, name: str, label: str, number: int, why: str = "") -> dict[str, int]:
        """Points any label but `previous` at a version. Returns the labels; raises as `promote` does."""
        return self._relabel("label", name, number, label, why)

    def unlabel(self, name: str, label: str, why: str = "") -> dict[str, int]:
        """Removes a label other than `stable`, such as the `canary` that did not convince. Returns the labels."""
        with self._writing():
            labels = self.labels(name)
            if label == STABLE:
                raise ServingError(f"{name}: the stable label cannot be removed; promote another version or roll back")
            if label not in labels:
                raise ServingError(f"{name} has no label {label}; it has {', '.join(sorted(labels)) or 'none'}")
            number = labels.pop(label)
            self._commit(self._change("unlabel", name, number, labels, why))
        self._announce()
        return labels

    def rollback(self, name: str, to: int | None = None, why: str = "") -> dict[str, int]:
        """Points `stable` back at the version that was stable before, or at `to`. Returns the labels.

        By history, not by number (see `registry.succession`): the version before that becomes `previous`, so that a
        second rollback goes one further, and none returns to a version that was rolled back from. Retired versions are
        passed over.

        Raises:
            ServingError: there is no earlier version to go back to, or it is not whole; or as `promote`.
        """
        with self._writing():
            labels = self.labels(name)
            past = succession.of_model(self._records(name), labels)
            there = {version.number for version in self.history(name) if not version.retired}
            candidates = [number for number in succession.earlier(past) if number in there]
            if to is None and not candidates:
                raise ServingError(f"{name}: no version was stable before; name one with --to")
            target = candidates[0] if to is None else to
            self._require_sound(name, target)
            new = labelling.rolled_back(labels, past, there, target, self._loadable(name))
            change = self._change(succession.ROLLBACK, name, target, new, why)
            self._commit(change)
        self._announce(change)
        return new

    def retire(self, name: str, number: int, why: str = "") -> dict[str, int]:
        """Takes a version out of service for good: model, TFLite files and pictures go, its manifest and card stay.

        Its content is remembered, so that a cached pipeline run does not bring it back. Returns the labels.

        Raises:
            ServingError: the version is stable, or there is none of that number.
        """
        with self._writing():
            version = self.version(name, number)
            if STABLE in version.labels:
                raise ServingError(f"{name} version {number} is stable; promote another version or roll back first")
            labels = {label: target for label, target in self.labels(name).items() if target != number}
            self._commit(self._change("retire", name, number, labels, why, leaves=(number,)))
        self._announce()
        return labels

    def gc(self, name: str, keep: int, why: str = "") -> list[int]:
        """Removes all but the newest `keep` versions; never a labelled one, never the only one. Returns the removed.

        Unlike a retired version, a collected one may be pushed again (as a new version) when its content comes back.
        """
        if keep < 1:
            raise ServingError(f"keep {keep}: at least one version must stay")
        with self._writing():
            versions = self.versions(name)
            doomed = tuple(version.number for version in versions[:-keep] if not version.labels)
            if doomed:
                self._commit(self._change("gc", name, doomed[-1], self.labels(name), why, leaves=doomed))
            return list(doomed)

    def sign(self, name: str, number: int, why: str = "") -> Version:
        """Signs the manifest of a version that was pushed without a key, after comparing its files with it.

        Raises:
            ServingError: the registry was made without `signing_key`, or a file is not as it was pushed.
        """
        if self._signing_key is None:
            raise ServingError(f"{name} version {number}: no key to sign with")
        with self._writing():
            version = self.version(name, number)
            for finding in verify.differences(self.root, version):
                raise ServingError(f"{self.root / finding.path}: {finding.kind}; only what was pushed can be signed")
            staging.sign(version.manifest_dir, self._signing_key)
            self._commit(self._change("sign", name, number, self.labels(name), why))
        return version

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
                with contextlib.suppress(OSError):
                    journal.recover(self.root)
                raise

    def _relabel(self, action: str, name: str, number: int, label: str, why: str) -> dict[str, int]:
        check_name(label, "label")
        if label == PREVIOUS:
            raise ServingError(f"{name}: {PREVIOUS} is always the version that was stable before; choose another label")
        with self._writing():
            self._require_sound(name, number)
            labels = labelling.pointed(self.labels(name), label, number, self._loadable(name))
            change = self._change(action, name, number, labels, why)
            self._commit(change)
        self._announce(change)
        return labels

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
            if not self._take_back(change):
                raise
            try:
                self._server.announce(self.root)
            except NotToldError as again:
                LOGGER.warning("%s", again)
            raise ServingError(f"{error.reason}; nothing was changed") from None

    def _take_back(self, change: journal.Change) -> bool:
        """Undoes a change of labels, unless somebody has changed them since."""
        record = change.record
        with self._writing():
            if self.labels(record["model"]) != record["to"]:
                return False
            why = "the server could not load it"
            undo = self._change(succession.UNDO, record["model"], record["version"], record["from"], why)
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

    def _records(self, name: str) -> list[dict[str, Any]]:
        return [record for record in audit.read(self.root) if record.get("model") == name]

    def _known(self, version: Version, saved_model: Path, warmup: bytes) -> Push:
        if version.present or version.retired:
            self._heal_config(version.model)
            return Push("unchanged", version)
        if version.path.exists():
            files.remove(version.path)
        staged = staging.model(self.root / version.model, saved_model, warmup)
        refreshed = json.dumps({**version.manifest, "files": files.hashes(staged)}, indent=2)
        files.remove(version.manifest_dir / signing.SIGNATURE)
        files.write(version.manifest_dir / MANIFEST, refreshed)
        if self._signing_key is not None:
            staging.sign(version.manifest_dir, self._signing_key)
        labels = self.labels(version.model)
        change = self._change("refill", version.model, version.number, labels, "folder lost", arrives=version.number)
        journal.begin(self.root, change)
        files.rename(staged, version.path)
        journal.finish(self.root, change)
        return Push("refilled", self.version(version.model, version.number))

    def _heal_config(self, name: str) -> None:
        labels = self.labels(name)
        base_path = self._model_base_path(name)
        entry = config_files.read_models(self.root).get(name)
        if labels and (entry is None or entry.base_path != base_path):
            config_files.write_model(self.root, name, labels, base_path)


def _collected(version: Version) -> bool:
    retired = version.retired
    return retired is not None and retired["action"] == "gc"
