"""One run per workspace: a lock that names its holder and that a dead holder cannot keep."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.base.errors import UserError

FILE_NAME = "easel.lock"
"""Says for people who holds the workspace, or who died holding it; empty otherwise."""
_LOCK = ".easel.lock"
"""What is locked: filelock empties it."""


class LockedError(UserError):
    """Another run holds the workspace; the message names it."""


@contextlib.contextmanager
def hold(workspace: Path) -> Iterator[dict[str, Any] | None]:
    """Holds a workspace inside the `with` block.

    The operating system releases the lock when its process ends, however it ends, and children do not keep it.

    Yields:
        What a dead holder left behind (`pid`, `host`, `started`), None after an orderly end.

    Raises:
        LockedError: another process holds it.
        UserError: the workspace cannot be made or written, or its file system has no locks.
    """
    import filelock  # 0.1 s that `easel --help` need not wait for

    note = workspace / FILE_NAME
    lock = filelock.FileLock(workspace / _LOCK, timeout=0, fallback_to_soft=False, thread_local=False)
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise LockedError(f"workspace {workspace} is held by another run: {_describe(_read(note))}") from None
    except OSError as error:
        raise UserError(f"workspace {workspace}: cannot be written or locked: {error.strerror}") from error
    try:
        stale = _read(note)
        started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        _write(note, {"pid": os.getpid(), "host": socket.gethostname(), "started": started})
        try:
            yield stale
        finally:
            _write(note, None)
    finally:
        lock.release()


def _read(note: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(note.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _write(note: Path, content: dict[str, Any] | None) -> None:
    note.write_text(f"{json.dumps(content)}\n" if content else "", "utf-8")


def _describe(holder: dict[str, Any] | None) -> str:
    if holder is None:
        return "it has only just started"
    return f"process {holder.get('pid')} on {holder.get('host')}, since {holder.get('started')}"
