"""Where photos and pictures of orders lie: a folder, or any place that fsspec knows (`s3://bucket/orders`)."""

import contextlib
import errno
import logging
import posixpath
import uuid
from collections.abc import Iterator
from pathlib import Path

from easel_serving.orders import stores
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import files

LOGGER = logging.getLogger("easel.orders")

PHOTOS, RESULTS = "photos", "results"
_AGE_OF_ORPHANS = 3600.0
_PIECE = 1 << 20
_FULL = errno.ENOSPC, errno.EDQUOT


class NoSpace(ServingError):
    """There is no room for another file."""


class Gone(ServingError):
    """There is no such file, or no longer."""


class Away(ServingError):
    """The place cannot be used just now: the same call may go through later."""


def is_full(error: Exception) -> bool:
    """Whether an error says that a disk, or what somebody may have of it, is full."""
    return isinstance(error, OSError) and error.errno in _FULL


class Files:
    """Files by name, written whole or not at all.

    Args:
        place: a folder, or a URL of fsspec's.

    Raises:
        ServingError: the kind of URL is not known, or its package is not installed.
    """

    def __init__(self, place: str | Path):
        self._local = "://" not in str(place)
        try:
            self._system, self._root = stores.located(str(Path(place).absolute()) if self._local else str(place))
        except (ValueError, ImportError) as error:
            raise ServingError(f"{place}: photos cannot be kept there ({error})") from None

    def put(self, folder: str, data: bytes, suffix: str = "") -> str:
        """Writes a new file and gives it a name.

        Raises:
            NoSpace: the disk is full.
            Away: it cannot be written.
        """
        name = f"{folder}/{uuid.uuid4().hex}{suffix}"
        with self._faults(name, missing=Away):
            if self._local:
                files.write(Path(self._path(name)), data)
            else:
                self._system.pipe_file(self._path(name), data)
        return name

    def get(self, name: str) -> bytes:
        """A file's content; raises Gone, Away."""
        with self._faults(name):
            return self._system.cat_file(self._path(name))

    def pieces(self, name: str) -> tuple[int, Iterator[bytes]]:
        """A file's size in bytes and its content in pieces, for what need not be in memory as a whole.

        Raises:
            Gone, Away: now or, Away, between two pieces.
        """
        with self._faults(name):
            file = self._system.open(self._path(name), "rb")
            size = file.seek(0, 2)
            file.seek(0)

        def read() -> Iterator[bytes]:
            with file, self._faults(name):
                while piece := file.read(_PIECE):
                    yield bytes(piece)

        return size, read()

    def remove(self, name: str | None) -> None:
        """Removes a file, if it is there; one that cannot be removed now is left for `orphans` to find."""
        if name is None:
            return
        try:
            with self._faults(name), contextlib.suppress(FileNotFoundError):
                self._system.rm_file(self._path(name))
        except Away as error:
            LOGGER.warning("%s; it will be removed later", error)

    def orphans(self, known: set[str], now: float) -> list[str]:
        """Files of no order that are older than an hour: what was written when a process was killed; raises Away."""
        found = []
        for folder in (PHOTOS, RESULTS):
            with self._faults(folder):
                try:
                    entries = self._system.ls(self._path(folder), detail=True)
                except FileNotFoundError:
                    continue
            for entry in entries:
                name = f"{folder}/{posixpath.basename(entry['name'])}"
                if name not in known and now - self._written(entry["name"], now) > _AGE_OF_ORPHANS:
                    found.append(name)
        return found

    def _written(self, path: str, now: float) -> float:
        # Not from the listing: each kind of store calls it differently there, or leaves it out.
        try:
            return self._system.modified(path).timestamp()
        except (FileNotFoundError, NotImplementedError):
            return now

    def _path(self, name: str) -> str:
        return posixpath.join(self._root, name)

    @contextlib.contextmanager
    def _faults(self, name: str, missing: type[ServingError] = Gone) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise missing(f"{name}: the file is gone from {self._root}") from None
        except Exception as error:  # each store's package has errors of its own
            kind = NoSpace if is_full(error) else Away
            raise kind(f"{self._path(name)}: cannot be written or read ({_said(error)})") from None


def _said(error: Exception) -> str:
    """An error in a line: what stores say goes on with the whole exchange."""
    lines = str(getattr(error, "strerror", None) or error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
