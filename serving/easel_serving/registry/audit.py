"""The audit log: one JSON line for every change of the serving directory."""

import datetime
import functools
import getpass
import json
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError

LOGGER = logging.getLogger("easel.serving")

AUDIT = "audit.jsonl"

Record = dict[str, Any]
"""`{"id", "time", "who", "why", "action", "model": str, "version": int, "from", "to": {label: version}}`; an undo has
`undoes` besides."""

_TEXTS = ("id", "time", "who", "why", "action", "model")
_LABELS = ("from", "to")


def now() -> str:
    """This moment, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def whoami() -> str:
    """`user@host` of this process; the user's number where it has no name (containers)."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def is_record(value: Any) -> bool:
    """Whether a value from a file is a record of a change: all that Easel reads of one is there, of the right type."""
    return (
        isinstance(value, dict)
        and all(isinstance(value.get(key), str) for key in _TEXTS)
        and _is_number(value.get("version"))
        and all(isinstance(value.get(key), dict) and all(map(_is_number, value[key].values())) for key in _LABELS)
    )


def read(serving_dir: Path) -> list[Record]:
    """Every record, oldest first; lines that are none are passed over, and the program's log says so.

    Raises:
        ServingError: the file is there and cannot be read.
    """
    return [record for record in _lines(serving_dir) if record is not None]


def of_model(serving_dir: Path, name: str) -> list[Record | None]:
    """The records of a model, oldest first. None stands for a line that is no record: it may have been of any model.

    A line torn by a kill is one, too; its change is recorded again on recovery.

    Raises:
        ServingError: the file is there and cannot be read.
    """
    return [record for record in _lines(serving_dir) if record is None or record["model"] == name]


def append(serving_dir: Path, record: Record) -> None:
    """Adds a record durably; one with the same `id` is not added twice."""
    if any(known["id"] == record["id"] for known in read(serving_dir)):
        return
    path = serving_dir / AUDIT
    torn = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
    with open(path, "a") as file:
        file.write(("\n" if torn else "") + json.dumps(record, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _lines(serving_dir: Path) -> Iterator[Record | None]:
    path = serving_dir / AUDIT
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise ServingError(f"{path}: cannot be read ({error.strerror})") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if is_record(value):
            yield value
        else:
            _tell(path, number)
            yield None


@functools.lru_cache(maxsize=64)
def _tell(path: Path, number: int) -> None:
    """Says it once, however often the file is read."""
    LOGGER.warning("%s, line %d: no record of a change, passed over", path, number)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
