"""Numbers by name in one file: float16, as safetensors, which runs nothing when it is read."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialised

from trainer.base.errors import UserError

_HIGHEST = float(np.finfo(np.float16).max)


def save(path: Path, format: int, arrays: Mapping[str, np.ndarray], about: Mapping[str, str]) -> None:
    """Writes arrays, rounded to float16.

    Args:
      path: of the file.
      format: its number, which readers check.
      arrays: by name.
      about: what else is said in the file.

    Raises:
      ValueError: a number is too large for float16, or none.
    """
    for name, value in arrays.items():
        if not np.all(np.abs(value) <= _HIGHEST):
            raise ValueError(f"{name}: too large for float16, or no number")
    rounded = {name: np.asarray(value).astype(np.float16) for name, value in arrays.items()}
    path.write_bytes(serialised(rounded, metadata={"format": str(format), **about}))


def about(path: Path, format: int, key: str, what: str) -> str:
    """What a file says under a key.

    Args:
      path: of the file.
      format: the newest that can be read.
      key: one of those that `save` was given.
      what: the file should be, for the error.

    Raises:
      UserError: it cannot be read, is something else, or was written by a newer Easel.
    """
    with _opened(path) as file:
        found = file.metadata() or {}
    if not found.get("format", "").isdecimal() or key not in found:
        raise UserError(f"{path}: no {what} that Easel wrote")
    if int(found["format"]) > format:
        raise UserError(f"{path}: format {found['format']} is newer than this Easel, which reads {format}; update it")
    return found[key]


def arrays(path: Path) -> dict[str, np.ndarray]:
    """What `save` wrote, as float32.

    Raises:
      UserError: it cannot be read.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118 - it is no mapping


def _opened(path: Path) -> safe_open:
    try:
        return safe_open(path, "numpy")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: not a file of weights ({' '.join(str(error).split())})") from error
