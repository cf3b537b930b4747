"""One run per workspace: a lock that names its holder and that a dead holder cannot keep."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.errors import UserError

FILE_NAME = "easel.lock"


class LockedError(UserError):
    """Another run holds the workspace; the message names it."""


@contextlib.contextmanager
def hold(workspace: Path) -> Iterator[dict[str, Any] | None]:
    """Holds `<workspace>/easel.lock` inside the `with` block.

    The operating system releases the lock when its process ends, however it ends, and children do not inherit it. What
    is written in the file is only for people: who holds it, or who died holding it.

    Yields:
      What a dead holder left behind (`pid`, `host`, `started`), None after an orderly end.

    Raises:
      LockedError: another process holds it.
      UserError: the workspace cannot be made or written, or its file system has no locks.
    """
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        handle = os.open(workspace / FILE_NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(f"workspace {workspace}: cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise LockedError(f"workspace {workspace} is held by another run: {_describe(_read(handle))}") from error
        except OSError as error:
            raise UserError(f"workspace {workspace}: cannot be locked there: {error.strerror}") from error
        stale = _read(handle)
        started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        _write(handle, {"pid": os.getpid(), "host": socket.gethostname(), "started": started})
        try:
            yield stale
        finally:
            _write(handle, None)
    finally:
        os.close(handle)


def _read(handle: int) -> dict[str, Any] | None:
    try:
        content = json.loads(os.pread(handle, 4096, 0))
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _write(handle: int, content: dict[str, Any] | None) -> None:
    text = (json.dumps(content) + "\n").encode() if content else b""
    os.pwrite(handle, text, 0)
    os.ftruncate(handle, len(text))


def _describe(holder: dict[str, Any] | None) -> str:
    if holder is None:
        return "it has only just started"
    return f"process {holder.get('pid')} on {holder.get('host')}, since {holder.get('started')}"
