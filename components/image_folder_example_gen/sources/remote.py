"""Folders on any file system that Beam reads (`gs://`, `s3://`, `hdfs://`, ...), for `listing`.

What only a local file system has does not come up: links, permissions of folders, pipes, spans. An object store has no
folders either, so that an empty class is none. Beam is imported only when such a folder is read.
"""

import itertools
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from components.image_folder_example_gen.sources import s3
from trainer.base.errors import UserError


class Entry(NamedTuple):
    """A file."""

    path: bytes
    size: int
    mtime_ns: int


class Tree:
    """The folders below a remote folder."""

    def __init__(self, root: bytes):
        self._inside: dict[bytes, set[bytes]] = {}
        self.files: dict[bytes, list[bytes]] = {}
        """Names of the files by folder."""
        for entry in entries(root):
            folder, name = os.path.split(entry.path)
            self.files.setdefault(folder, []).append(name)
            while folder not in (root, b"") and folder != os.path.dirname(folder):
                above, name = os.path.split(folder)
                self._inside.setdefault(above, set()).add(name)
                folder = above

    def subfolders(self, path: bytes) -> list[bytes]:
        """Names of the folders in a folder."""
        return sorted(self._inside.get(path, ()))


def is_remote(path: str | bytes) -> bool:
    """Whether a path has a scheme."""
    return b"://" in os.fsencode(path)


def entries(folder: bytes) -> Iterator[Entry]:
    """All files below a folder.

    Raises:
        UserError: the file system is not known, or does not answer.
    """
    if folder.startswith(s3.SCHEME):
        yield from itertools.starmap(Entry, s3.entries(os.fsdecode(folder)))
        return
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    inside = os.fsdecode(folder) + "/"
    try:
        # What Beam would take for a pattern in the folder's own name cannot be quoted: it is asked for all before it.
        [result] = FileSystems.match([re.split(r"[*?[]", inside)[0] + "**"])
    except (BeamIOError, ValueError, OSError) as error:
        raise UserError(f"{os.fsdecode(folder)}: cannot be listed: {error}") from None
    for each in result.metadata_list:
        if each.path.startswith(inside) and not each.path.endswith("/"):
            yield Entry(os.fsencode(each.path), each.size_in_bytes, int((each.last_updated_in_seconds or 0) * 1e9))


def read(path: bytes, max_bytes: int) -> bytes:
    """The content of a file, cut off behind `max_bytes`.

    Raises:
        FileNotFoundError: it is gone.
        OSError: the file system refuses, or does not answer.
    """
    if path.startswith(s3.SCHEME):
        return s3.read(os.fsdecode(path), max_bytes)
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    pieces, left = [], max_bytes
    try:
        with FileSystems.open(os.fsdecode(path), compression_type=CompressionTypes.UNCOMPRESSED) as file:
            while left > 0 and (piece := file.read(min(left, 1 << 20))):
                pieces.append(piece)
                left -= len(piece)
    except OSError:
        raise
    except Exception as error:  # Beam hands on what the client of a store raises: for Google's that is no OSError
        kind = FileNotFoundError if getattr(error, "code", None) == 404 else OSError
        raise kind(str(error)) from None
    return b"".join(pieces)
