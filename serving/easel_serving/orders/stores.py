"""Places that fsspec knows; `s3://` by obstore, which needs no other package, where s3fs is not installed."""

import datetime
import importlib.util
from typing import IO, Any

import fsspec

_RETRY_SECONDS = 15
"""How long obstore tries again by itself; its default, three minutes, is longer than anybody waits for an answer."""


def located(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a URL, and the path in it; raises ValueError or ImportError for one that is not known."""
    options: dict[str, Any] = {}
    if url.startswith("s3://") and not importlib.util.find_spec("s3fs") and importlib.util.find_spec("obstore"):
        from obstore.fsspec import register

        register("s3")
        options["retry_config"] = {"retry_timeout": datetime.timedelta(seconds=_RETRY_SECONDS)}
    return fsspec.core.url_to_fs(url, **options)


def opened(url: str) -> IO[bytes]:
    """A file, to be read; raises OSError when it is not there, and as `located`."""
    system, path = located(url)
    return system.open(path, "rb")
