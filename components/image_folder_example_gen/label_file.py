"""`labels.csv` beside the images: a line `path,label` or `path,label,split` for each, under a header that says so."""

import csv
import functools
import os
from typing import NamedTuple

from components.image_folder_example_gen.records import display
from trainer.errors import UserError

NAME = b"labels.csv"
_COLUMNS = ("path", "label")

TRAINING = frozenset({"train", "training"})
VALIDATION = frozenset({"val", "valid", "validation", "dev"})
TESTING = frozenset({"test", "testing", "eval"})


class Row(NamedTuple):
    """What the file says of an image."""

    labels: tuple[str, ...]
    """One class, or several where the file contradicts itself."""
    split: str
    """`train`, `eval` or empty."""


def split_of(name: str, beside: frozenset[str]) -> str:
    """The split that a name stands for; empty for names that stand for none.

    Args:
      name: of a folder, or in the column `split`; case does not matter.
      beside: all such names, in lower case: with both a validation and a test set, the validation set counts to train.
    """
    lower = name.strip().lower()
    if lower in TRAINING:
        return "train"
    if lower in TESTING:
        return "eval"
    if lower in VALIDATION:
        return "train" if beside & TESTING else "eval"
    return ""


def find(root: bytes) -> bytes:
    """The path of the label file of a folder; empty if it has none, or one about something else."""
    path = os.path.join(root, NAME)
    try:
        with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
            header = next(csv.reader(file), [])
    except (OSError, csv.Error):
        return b""
    return path if _is_header(header) else b""


def read(path: bytes) -> dict[str, Row]:
    """The rows, by path relative to the folder.

    Raises:
      UserError: a row that has no path or no label, or a split that is none.
    """
    status = os.stat(path)
    return _read(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4)
def _read(path: bytes, mtime_ns: int, size: int) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    with open(path, encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        reader = csv.reader(file)
        columns = [column.strip().lower() for column in next(reader)]
        at = {name: columns.index(name) for name in (*_COLUMNS, "split") if name in columns}
        try:
            lines = [(reader.line_num, row) for row in reader if any(field.strip() for field in row)]
        except csv.Error as error:
            raise UserError(f"{display(path)}, line {reader.line_num}: {error}") from None
    beside = frozenset(row[at["split"]].strip().lower() for _, row in lines if "split" in at and len(row) > at["split"])
    for number, row in lines:
        fields = {name: row[column].strip() if column < len(row) else "" for name, column in at.items()}
        if not fields["path"] or not fields["label"]:
            raise UserError(f"{display(path)}, line {number}: needs a path and a label")
        given = fields.get("split", "")
        split = split_of(given, beside)
        if given and not split:
            raise UserError(f"{display(path)}, line {number}: split {given!r} is none of train, val, test")
        name = os.path.normpath(fields["path"])
        known = rows.get(name)
        labels = tuple(dict.fromkeys((*known.labels, fields["label"]))) if known else (fields["label"],)
        rows[name] = Row(labels, known.split if known else split)
    return rows


def _is_header(fields: list[str]) -> bool:
    names = {field.strip().lower() for field in fields}
    return names.issuperset(_COLUMNS)
