"""Failures and the line and the exit code that each ends in."""

import errno
import os
import tempfile
import traceback
from pathlib import Path

import click
from easel_serving.protocol.errors import ServingError

from pipeline.configuration.secrets import Mask
from pipeline.history.result import BAD_INPUT, FAILED, INTERRUPTED, LOCKED
from pipeline.progress.wording import line_of
from pipeline.running.lock import LockedError
from trainer.base.errors import UserError

_DISK = {
    errno.ENOSPC: "no room is left on its disk; make room and try again",
    errno.EDQUOT: "your share of its disk is used up; make room and try again",
    errno.EROFS: "its file system is read-only; choose another place",
}
_PLACE = {
    errno.EACCES: "permission denied; choose another place, or have its owner let you",
    errno.EPERM: "not permitted; choose another place, or have its owner let you",
    errno.ENAMETOOLONG: "the name is too long for its file system",
    errno.EEXIST: "a file of this name is where a folder is needed",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.EISDIR: "is a folder, not a file",
    errno.ELOOP: "its links lead in a circle",
}
# What `easel_serving.client` says of a server that answers no request.
_ANY_REQUEST = ("UNAVAILABLE", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "UNIMPLEMENTED", "CANCELLED")


class Fault(Exception):
    """The message is the line that the person reads."""

    def __init__(self, message: str, exit_code: int = FAILED):
        super().__init__(message)
        self.exit_code = exit_code

    @classmethod
    def unexpected(cls, error: BaseException, log: Path | None) -> "Fault":
        """An exception that nobody foresaw: its type, a line of its message, and where the traceback is."""
        said = line_of(error)
        kind = type(error).__name__
        where = f"the traceback is in {log}" if log else "and its traceback could not be written"
        return cls((said if said.startswith(kind) else f"{kind}: {said}") + f" (unexpected; {where})")

    @classmethod
    def of_system(cls, error: BaseException) -> "Fault | None":
        """What a disk or a file system refuses: what was written or read, and what to do; None for other errors."""
        if not isinstance(error, OSError):
            return None
        named = error.filename2 or error.filename
        if named is None or isinstance(named, int):
            advice = _DISK.get(error.errno or 0)
            return cls(f"a file could not be written: {advice}", BAD_INPUT) if advice else None
        advice = {**_DISK, **_PLACE}.get(error.errno or 0)
        return cls(f"{os.fsdecode(named)}: {advice}", BAD_INPUT) if advice else None


def everybodys(error: BaseException) -> bool:
    """Whether the next file would meet an error too: the disk's, or a server's that has nothing to do with the file."""
    if isinstance(error, ServingError):
        return getattr(error, "code", "") in _ANY_REQUEST
    return isinstance(error, OSError) and error.errno in _DISK


def explain(error: BaseException) -> tuple[str, int]:
    """The line to show for an exception and the exit code; writes the traceback of an unexpected one to a file."""
    if isinstance(error, Fault):
        return str(error), error.exit_code
    if isinstance(error, click.Abort):
        return "interrupted", INTERRUPTED
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "easel"
        return f"{error.format_message()} (`{path} --help` shows what it takes)", BAD_INPUT
    if isinstance(error, LockedError):
        return str(error), LOCKED
    if isinstance(error, (UserError, ServingError)):
        return str(error), BAD_INPUT
    fault = Fault.of_system(error) or Fault.unexpected(error, _logged(error))
    return str(fault), fault.exit_code


def _logged(error: BaseException) -> Path | None:
    """A new file with the traceback; None where none can be written."""
    text = Mask()("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="easel-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as log:
            log.write(text)
    except OSError:
        return None
    return Path(log.name)
