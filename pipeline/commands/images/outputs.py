"""Where results go: never onto what they are made from."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from trainer.base.errors import UserError


class Outputs:
    """The files that a command writes, against those that it reads.

    Files are compared by device and inode, so that links, other spellings and names that the file system takes for one
    are found.
    """

    def __init__(self, inputs: Iterable[Path]):
        self._inputs = {identity: path for path in inputs if (identity := _identity(path))}
        self._written: dict[tuple[int, int], Path] = {}

    def check(self, output: Path) -> Path:
        """The output itself; raises UserError when writing it would destroy an input or another output."""
        identity = _identity(output)
        if identity in self._inputs:
            raise UserError(f"{output}: would destroy {_named(self._inputs[identity], output)}; name another file")
        if identity in self._written:
            raise UserError(
                f"{output}: is the file {self._written[identity]}, which was written just now; rename one photo"
            )
        return output

    def wrote(self, output: Path) -> None:
        """Remembers what was written."""
        if identity := _identity(output):
            self._written[identity] = output


def _identity(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None


def _named(path: Path, output: Path) -> str:
    return "what it is made from" if path == output else f"{path}, which it is made from"
