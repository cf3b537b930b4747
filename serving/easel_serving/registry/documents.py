"""What the JSON files of a version must be, told before anything is made of them: they may have been tampered with."""

import functools
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

LOGGER = logging.getLogger("easel.serving")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"\w+", re.ASCII)
_NEEDED = ("model", "version", "digest", "files", "attachments")
"""What the registry adds to every manifest."""


class DamagedError(ValueError):
    """A file is not what was written; the text says why."""


def read(path: Path) -> Any:
    """The content of a JSON file; None without the file.

    Raises:
        DamagedError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DamagedError(f"cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"no JSON ({error})") from None


def manifest(content: Any) -> dict[str, Any]:
    """The manifest itself; {} for None, which stands for no manifest.

    Raises:
        DamagedError: a field is missing that the registry writes, or one that Easel reads is of another type.
    """
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise DamagedError("no object")
    for name in _NEEDED:
        if name not in content:
            raise DamagedError(f"no {name}")
    for name, is_right in _FIELDS.items():
        if name in content and not is_right(content[name]):
            raise DamagedError(f"{name} is not as it was written")
    return content


@functools.lru_cache(maxsize=256)
def tell(path: Path, reason: str) -> None:
    """Says in the program's log that a file is damaged: once, however often it is read."""
    LOGGER.warning("%s: damaged: %s", path, reason)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _many(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(is_right, value))


def _by_name(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(is_right, value.values()))


def _with(**fields: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """An object that has these fields, perhaps among others."""
    return lambda value: (
        isinstance(value, dict) and all(name in value and is_right(value[name]) for name, is_right in fields.items())
    )


def _are_files(value: Any) -> bool:
    """`{relative/path: {"sha256", "bytes"}}`, every path inside the folder."""
    is_entry = _with(sha256=lambda text: _is_text(text) and _SHA256.fullmatch(text), bytes=_is_number)
    return _by_name(is_entry)(value) and all(map(_is_inside, value))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name


def _is_word(value: Any) -> bool:
    """A part of a file's name."""
    return _is_text(value) and _WORD.fullmatch(value) is not None


def _is_lineage(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("configuration", {}), dict)


_figures = _by_name(lambda value: value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)))
_specs = _by_name(_with(dtype=_is_text, shape=_many(_is_number)))

_FIELDS: dict[str, Callable[[Any], Any]] = {
    "model": _is_text,
    "version": _is_number,
    "digest": _is_text,
    "files": _are_files,
    "attachments": _are_files,
    "kind": _is_text,
    "created": _is_text,
    "labels": _many(_is_text),
    "metrics": _by_name(lambda value: value is None or _figures(value)),
    "tflite": _many(_with(part=_is_word, variant=_is_word, bytes=_is_number, verdict=_is_text, metrics=_figures)),
    "signatures": _by_name(_with(inputs=_specs, outputs=_specs)),
    "lineage": _is_lineage,
    "data": _by_name(_is_object),
    "notes": _many(_is_text),
    "reasons": _many(_is_text),
}
