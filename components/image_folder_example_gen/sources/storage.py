"""Reading files so that nothing hangs and every failure has a reason code."""

import os
import stat

from components.image_folder_example_gen.sources import remote
from components.image_folder_example_gen.vocabulary.reasons import Reason, Unusable


def read(path: bytes, max_bytes: int) -> bytes:
    """The content of a regular file, or of one on a file system of Beam's.

    A local file is opened without blocking, because a name that was a file when it was listed may be a pipe by now.

    Raises:
        Unusable: not a regular file, too large, gone, or the system refuses.
    """
    if remote.is_remote(path):
        return _read_remote(path, max_bytes)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Unusable(Reason.NOT_A_FILE, "not a regular file")
            if status.st_size > max_bytes:
                raise Unusable(Reason.TOO_LARGE, f"{status.st_size} bytes")
            return _read_local(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise Unusable(Reason.VANISHED, "no longer there") from None
    except OSError as error:
        raise Unusable(Reason.UNREADABLE, error.strerror or str(error)) from None


def _read_local(descriptor: int, size: int) -> bytes:
    """All that is in the file, which has `size` bytes unless it changes.

    Four calls of the system for a file instead of a file object's eight: at each of them threads pass the interpreter
    on, and that costs more than the call.
    """
    data = os.read(descriptor, size + 1)
    if len(data) == size:
        return data
    pieces = [data]
    while pieces[-1]:
        pieces.append(os.read(descriptor, size + 1))
    return b"".join(pieces)


def _read_remote(path: bytes, max_bytes: int) -> bytes:
    try:
        data = remote.read(path, max_bytes + 1)
    except FileNotFoundError:
        raise Unusable(Reason.VANISHED, "no longer there") from None
    except OSError as error:
        raise Unusable(Reason.UNREADABLE, str(error)) from None
    if len(data) > max_bytes:
        raise Unusable(Reason.TOO_LARGE, f"more than {max_bytes} bytes")
    return data
