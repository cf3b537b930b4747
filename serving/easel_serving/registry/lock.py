"""One writer at a time: an advisory lock that the operating system releases when its holder dies."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import audit

LOCK = ".lock"
_POLL_SECONDS = 0.1


@contextlib.contextmanager
def exclusive(serving_dir: Path, timeout: float | None, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Holds the serving directory's writer lock; readers need none.

    Args:
        serving_dir: made when it is missing.
        timeout: seconds to wait for another writer, which keeps the lock only while it copies one version; None waits
            as long as it must.
        on_wait: is told once, in words, for whom.

    Raises:
        ServingError: another process still writes after `timeout`, or the folder cannot be made or locked.
    """
    import filelock  # 0.1 s that a command which only reads need not wait for

    path = serving_dir / LOCK
    held = filelock.FileLock(path, fallback_to_soft=False, thread_local=False, poll_interval=_POLL_SECONDS)
    try:
        serving_dir.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(timeout=0)
        except filelock.Timeout:
            on_wait(f"waiting for {_holder(path)}, who is changing {serving_dir}")
            held.acquire(timeout=-1 if timeout is None else timeout)
    except filelock.Timeout:
        raise ServingError(f"{path}: {_holder(path)} is changing the serving directory; try again later") from None
    except OSError as error:
        raise ServingError(f"{path}: cannot be locked ({error.strerror or error})") from None
    try:
        with contextlib.suppress(OSError):  # who it is is only told to those who wait
            path.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {audit.now()}")
        yield
    finally:
        held.release()


def _holder(path: Path) -> str:
    try:
        told = path.read_bytes()[:200].decode("utf-8", "replace")
    except OSError:
        return "another process"
    return "".join(filter(str.isprintable, told)).strip() or "another process"
