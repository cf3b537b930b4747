"""File operations that survive a kill or a power cut: a reader sees the old state or the new one, never between."""

import contextlib
import hashlib
import os
import shutil
import uuid
from pathlib import Path

TEMPORARY = ".tmp-"
"""Names with this prefix are half-written; only the holder of the lock makes or removes them."""

WARMUP = "assets.extra/tf_serving_warmup_requests"
"""Where TensorFlow Serving looks for warm-up records inside a version; not part of the model's content digest."""

Hashes = dict[str, dict[str, int | str]]
"""`{relative/path: {"sha256", "bytes"}}`."""

_CHUNK = 1 << 20


def temporary(parent: Path) -> Path:
    """An unused path in `parent` for something half-written; no integer, so TensorFlow Serving ignores it."""
    return parent / f"{TEMPORARY}{uuid.uuid4().hex}"


def sync(path: Path) -> None:
    """Flushes a file or a directory entry to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(root: Path) -> None:
    """Flushes every file and directory under `root`, itself included."""
    for folder, _, names in os.walk(root):
        for name in names:
            sync(Path(folder, name))
        sync(Path(folder))


def rename(source: Path, target: Path) -> None:
    """Renames within one file system, durably. A file replaces a file; a directory must not exist at `target`."""
    os.replace(source, target)
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)


def write(path: Path, content: str | bytes) -> None:
    """Replaces `path` by `content` in one rename; creates the folder when it is missing.

    Raises:
        OSError: it cannot be written; `filename` is `path`, and nothing is left of it that was not there before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = temporary(path.parent)
    try:
        with open(staged, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        rename(staged, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove(path: Path) -> None:
    """Removes a file or a directory; a directory disappears in one rename before its content is deleted."""
    if path.is_dir() and not path.is_symlink():
        doomed = path
        if not path.name.startswith(TEMPORARY):
            doomed = temporary(path.parent)
            rename(path, doomed)
        shutil.rmtree(doomed)
    else:
        path.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def entry(content: bytes) -> dict[str, int | str]:
    """What `hashes` says of a file with this content."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def hashes(root: Path) -> Hashes:
    """Of every file under `root`, sorted by path."""
    found = (path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): {"sha256": sha256(path), "bytes": path.stat().st_size}
        for path in sorted(found)
    }


def content_digest(found: Hashes) -> str:
    """One SHA-256 for what `hashes` found, warm-up records left out: equal for a candidate and for its pushed copy."""
    digest = hashlib.sha256()
    for name, facts in sorted(found.items()):
        if name != WARMUP:
            digest.update(f"{name}\0{facts['sha256']}\n".encode())
    return digest.hexdigest()


def model_digest(saved_model: Path) -> str:
    """`content_digest` of a SavedModel folder."""
    return content_digest(hashes(saved_model))
