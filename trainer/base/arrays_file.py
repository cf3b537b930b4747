"""Arrays by name in one file: what a training that is killed goes on from."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write(path: Path, arrays: Mapping[str, np.ndarray | int]) -> None:
    """Writes arrays as NumPy's NPZ, whole or not at all, into a folder that is there."""
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        np.savez(file, **arrays)
    os.replace(partial, path)
