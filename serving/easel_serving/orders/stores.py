"""Places that fsspec knows; `s3://` by obstore, which needs no other package, where s3fs is not installed."""

import importlib.util
from typing import IO

import fsspec


def located(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a URL, and the path in it; raises ValueError or ImportError for one that is not known."""
    if url.startswith("s3://") and not importlib.util.find_spec("s3fs") and importlib.util.find_spec("obstore"):
        from obstore.fsspec import register

        register("s3")
    return fsspec.core.url_to_fs(url)


def opened(url: str) -> IO[bytes]:
    """A file, to be read; raises OSError when it is not there, and as `located`."""
    system, path = located(url)
    return system.open(path, "rb")
