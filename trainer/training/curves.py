"""Learning curves that outlive a kill: a training that goes on keeps what was reported before."""

import json
import os
from pathlib import Path


class Curves:
    """What a training reports at some of its steps, in a file.

    Rows that the file has already are there from the beginning.
    """

    def __init__(self, path: Path):
        self._path = path
        self._rows: list[dict[str, float]] = json.loads(path.read_text()) if path.exists() else []

    def add(self, step: int, **values: float) -> None:
        """Adds what was found at `step`; rows from there on go: a killed training repeats some steps."""
        self._rows = [row for row in self._rows if row["step"] < step]
        self._rows.append({"step": step, **{name: float(value) for name, value in values.items()}})
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(self._rows))
        os.replace(partial, self._path)

    def by_name(self) -> dict[str, list[float]]:
        """The values by name, and `step`; a name that some rows lack has fewer values, those of the last rows."""
        names = dict.fromkeys(name for row in self._rows for name in row)
        return {name: [row[name] for row in self._rows if name in row] for name in names}
