"""One writer at a time: an advisory lock that the operating system releases when its holder dies."""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from easel_serving.errors import ServingError

LOCK = ".lock"
_POLL_SECONDS = 0.1


@contextlib.contextmanager
def exclusive(serving_dir: Path, timeout: float) -> Iterator[None]:
    """Holds the serving directory's writer lock; readers need none.

    Args:
        serving_dir: made when it is missing.
        timeout: seconds to wait for another writer, which keeps the lock only while it copies one version.

    Raises:
        ServingError: another process still writes after `timeout`; the message names it.
    """
    serving_dir.mkdir(parents=True, exist_ok=True)
    path = serving_dir / LOCK
    with open(path, "a+") as file:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    file.seek(0)
                    holder = file.read().strip() or "another process"
                    raise ServingError(f"{path}: {holder} is changing the serving directory; try again later") from None
                time.sleep(_POLL_SECONDS)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
