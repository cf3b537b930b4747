"""The registry: the changes that there are of versions, manifests and `models.config`; `registry.writer` makes them.

Safe with several processes (one lock), with kills (every change is journalled) and with TensorFlow Serving reading
along (a version appears by one rename, complete). Labels: `stable` serves; `canary` is tried; `previous` was stable
before and stays loaded, so that a rollback takes no loading. TensorFlow Serving moves a label only to a version that is
loaded: `easel_serving.remote` leads one that runs, after the change is made and the lock released; the embedded server
needs no leading.
"""

import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import (
    audit,
    config_files,
    documents,
    files,
    journal,
    labelling,
    signing,
    staging,
    succession,
    verify,
)
from easel_serving.registry.directory import (
    MANIFEST,
    MANIFESTS,
    PREVIOUS,
    STABLE,
    Version,
    check_name,
)
from easel_serving.registry.writer import Writer

LOGGER = logging.getLogger("easel.serving")


@dataclasses.dataclass(frozen=True)
class Push:
    """What became of a push: `pushed`, `unchanged` (the content already is a version) or `refilled` (it was lost)."""

    outcome: str
    version: Version


class Registry(Writer):
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
            ServingError: no SavedModel, or one that changes meanwhile; a name that cannot be one, a manifest that could
                not be read back, an unknown policy, another writer.
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
            contents = staging.contents(saved_model, warmup)
            digest = files.content_digest(contents)
            known = [version for version in self.history(name) if version.digest == digest and not _collected(version)]
            if known:
                done = self._known(known[-1], saved_model, warmup, contents)
            else:
                number = self._next_number(name)
                labels = labelling.pushed(self.labels(name), number, policy, self._loadable(name))
                document = {**manifest, "model": name, "version": number, "digest": digest, "files": contents}
                _require_manifest(document)
                staged = staging.model(self.root / name, saved_model, warmup, contents)
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
            ServingError: there is no earlier version to go back to, or none that is known because the log is damaged;
                or it is not whole; or as `promote`.
        """
        with self._writing():
            labels = self.labels(name)
            past = succession.of_model(audit.of_model(self.root, name), labels)
            there = {version.number for version in self.history(name) if version.retired is None}
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
            version = self.find(name, number)
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
            content = (version.manifest_dir / MANIFEST).read_bytes()
            if json.loads(content) != version.manifest:  # nothing else is signed than what the files were compared with
                raise ServingError(
                    f"{version.manifest_dir / MANIFEST}: changed meanwhile; only what was pushed can be signed"
                )
            staging.sign(version.manifest_dir, content, self._signing_key)
            self._commit(self._change("sign", name, number, self.labels(name), why))
        return version

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

    def _known(self, version: Version, saved_model: Path, warmup: bytes, contents: files.Hashes) -> Push:
        if version.present or version.retired is not None:
            self._heal_config(version.model)
            return Push("unchanged", version)
        if version.path.exists():
            files.remove(version.path)
        staged = staging.model(self.root / version.model, saved_model, warmup, contents)
        key = self._signing_key
        if key is not None and not self._was_signed(version, key):
            LOGGER.warning("%s: was not signed by this key, so its refilled manifest is not, either", version.title)
            key = None
        staging.write(version.manifest_dir, {**version.manifest, "files": contents}, key)
        labels = self.labels(version.model)
        change = self._change("refill", version.model, version.number, labels, "folder lost", arrives=version.number)
        journal.begin(self.root, change)
        files.rename(staged, version.path)
        journal.finish(self.root, change)
        return Push("refilled", self.version(version.model, version.number))

    def _was_signed(self, version: Version, key: Path) -> bool:
        """Whether what the manifest says besides, of its attachments, may be signed again: it was by the same key."""
        signature = version.manifest_dir / signing.SIGNATURE
        content, found = (
            path.read_bytes() if path.is_file() else b"" for path in (version.manifest_dir / MANIFEST, signature)
        )
        return signing.is_own(content, found, key) and json.loads(content) == version.manifest


def _require_manifest(document: Mapping[str, Any]) -> None:
    """Refuses what would be taken for damaged once it is pushed."""
    try:
        documents.manifest({**document, "attachments": {}})
    except documents.DamagedError as error:
        raise ServingError(f"the manifest of {document['model']} version {document['version']}: {error}") from None


def _collected(version: Version) -> bool:
    retired = version.retired
    return retired is not None and retired["action"] == "gc"
