"""Where photos and pictures of orders lie: a folder, or any place that fsspec knows (`s3://bucket/orders`)."""

import contextlib
import posixpath
import uuid
from collections.abc import Iterator
from pathlib import Path

from easel_serving.orders import stores
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import files

PHOTOS, RESULTS = "photos", "results"
_AGE_OF_ORPHANS = 3600.0


class NoSpace(ServingError):
    """There is no room for another file."""


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
            ServingError: it cannot be written.
        """
        name = f"{folder}/{uuid.uuid4().hex}{suffix}"
        with self._faults(name):
            if self._local:
                files.write(Path(self._path(name)), data)
            else:
                self._system.pipe_file(self._path(name), data)
        return name

    def get(self, name: str) -> bytes:
        """A file's content; raises ServingError when it is not there."""
        with self._faults(name):
            return self._system.cat_file(self._path(name))

    def remove(self, name: str | None) -> None:
        """Removes a file, if it is there."""
        if name is not None:
            with self._faults(name), contextlib.suppress(FileNotFoundError):
                self._system.rm_file(self._path(name))

    def orphans(self, known: set[str], now: float) -> list[str]:
        """Files of no order that are older than an hour: what was written when a process was killed."""
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
    def _faults(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise ServingError(f"{name}: the file is gone from {self._root}") from None
        except OSError as error:
            kind = NoSpace if error.errno in (28, 122) else ServingError
            raise kind(f"{self._path(name)}: cannot be written or read ({error.strerror or error})") from None
