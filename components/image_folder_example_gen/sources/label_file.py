"""`labels.csv` beside the images: a line for each, under a header that says which column is what.

Commas, semicolons, tabs or bars stand between the columns, as the header has them; what a spreadsheet adds (a mark of
the encoding, UTF-16, a line `sep=;`) is understood. There is a column for the image's path relative to the folder, one
for its class, and perhaps `split`; others do not matter. A file of this name that cannot be read so is an error:
whoever put it there does not want the folders to be the classes.
"""

import codecs
import csv
import functools
import io
import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from easel_serving.images import formats

from components.image_folder_example_gen.sources import remote
from components.image_folder_example_gen.vocabulary.files import display
from trainer.base.errors import UserError

NAME = b"labels.csv"
_DELIMITERS = (",", ";", "\t", "|")
_COLUMNS = {
    "path": ("path", "filepath", "filename", "file", "imagepath", "imagefile", "imagename", "image", "img", "photo"),
    "label": ("label", "labels", "class", "classname", "classlabel", "category", "target"),
    "split": ("split",),
}
"""What the columns may be called, without blanks, dashes, underscores and capitals; the first that is there counts."""
_NEEDED = "needs a header with a column `path` (or filename, image, ...) and a column `label` (or class, category, ...)"
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
"""How absolute paths begin there."""
_MOST_BYTES = 1 << 30

TRAINING = frozenset({"train", "training"})
VALIDATION = frozenset({"val", "valid", "validation", "dev"})
TESTING = frozenset({"test", "testing", "eval"})


class Row(NamedTuple):
    """What the file says of an image."""

    labels: tuple[str, ...]
    """One class, or several where the file contradicts itself."""
    split: str
    """`train`, `eval` or empty."""


def split_of(name: str, names: frozenset[str]) -> str:
    """The split that a name stands for; empty for names that stand for none.

    Args:
        name: of a folder, or in the column `split`; case does not matter.
        names: all such names, in lower case: with both a validation and a test set, the validation set counts to
            train.
    """
    lower = name.strip().lower()
    if lower in TRAINING:
        return "train"
    if lower in TESTING:
        return "eval"
    if lower in VALIDATION:
        return "train" if names & TESTING else "eval"
    return ""


def find(folder: bytes, names: Iterable[bytes]) -> bytes:
    """The path of the label file of a folder; empty if it has none.

    Raises:
        UserError: it has several, which differ in capitals.
    """
    found = sorted(name for name in names if name.lower() == NAME)
    if len(found) > 1:
        raise UserError(f"{display(folder)}: holds {' and '.join(map(display, found))}; keep one of them")
    return os.path.join(folder, found[0]) if found else b""


def read(path: bytes) -> dict[str, Row]:
    """The rows, by path relative to the folder.

    Raises:
        UserError: the file cannot be read or has other columns, or a row has no path or no label, a split that is none,
            or a path that cannot be that of a file in the folder.
    """
    try:
        if remote.is_remote(path):
            content = remote.read(path, _MOST_BYTES)
        else:
            with open(path, "rb") as file:
                content = file.read()
    except OSError as error:
        raise UserError(f"{display(path)}: cannot be read: {error.strerror or error}") from None
    return _parse(path, content)


@functools.lru_cache(maxsize=4)
def _parse(path: bytes, content: bytes) -> dict[str, Row]:
    shown = display(path)
    try:
        at, lines = _table(_text(content))
    except _Wrong as problem:
        raise UserError(f"{shown}: {problem}") from None
    names = frozenset(row[at["split"]].strip().lower() for _, row in lines if "split" in at and len(row) > at["split"])
    rows: dict[str, Row] = {}
    for number, row in lines:
        fields = {name: row[column].strip() if column < len(row) else "" for name, column in at.items()}
        if not fields["path"] or not fields["label"]:
            raise UserError(f"{shown}, line {number}: needs a path and a label")
        given = fields.get("split", "")
        split = split_of(given, names)
        if given and not split:
            raise UserError(f"{shown}, line {number}: split {given!r} is none of train, val, test")
        if problem := _misspelt(fields["path"], os.path.dirname(path)) or _encoding(fields["label"]):
            raise UserError(f"{shown}, line {number}: {problem}")
        name = display(os.fsencode(os.path.normpath(fields["path"])))
        known = rows.get(name)
        labels = tuple(dict.fromkeys((*known.labels, fields["label"]))) if known else (fields["label"],)
        rows[name] = Row(labels, known.split if known else split)
    return rows


class _Wrong(Exception):
    """What is wrong with the file as a whole."""


def _text(content: bytes) -> str:
    """The file's text; bytes that are not UTF-8 as Python keeps those of file names."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise _Wrong("is cut off, or no text in UTF-16; save it as CSV UTF-8") from None
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def _table(text: str) -> tuple[dict[str, int], list[tuple[int, list[str]]]]:
    """Where the columns are that count, and the rows with their line numbers."""
    delimiters = _DELIMITERS
    if said := re.match(r"sep=(.)\r?\n", text):  # a spreadsheet's first line
        delimiters = (said[1],)
        text = "\n" + text[said.end() :]
    headers = {}
    for delimiter in delimiters:
        rows = _rows(text, delimiter)
        _, headers[delimiter] = next(rows, (0, []))
        if {"path", "label"} <= (at := _columns(headers[delimiter])).keys():
            return at, list(rows)
    raise _Wrong(_without_header(max(headers.values(), key=len)))


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and fields of all rows that are not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            if any(field.strip() for field in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise _Wrong(f"line {reader.line_num}: {error}") from None


def _columns(header: list[str]) -> dict[str, int]:
    names = [re.sub(r"[\s_-]", "", field).lower() for field in header]
    known = {column: [name for name in aliases if name in names] for column, aliases in _COLUMNS.items()}
    return {column: names.index(found[0]) for column, found in known.items() if found}


def _without_header(first: list[str]) -> str:
    """What is wrong with a first line that is no header, or one of something else."""
    if not first:
        return f"is empty; it {_NEEDED}"
    if any(os.path.splitext(field.strip().lower())[1] in formats.SUFFIXES for field in first):
        return f"has no header, its first line is that of an image ({', '.join(first)}); it {_NEEDED}"
    return f"has the columns {', '.join(first)}; it {_NEEDED}. If it is about something else, rename it"


def _misspelt(path: str, folder: bytes) -> str:
    """What is wrong with a path that cannot be one relative to the folder; empty for nothing."""
    if path.startswith("/") or _WINDOWS.match(path):
        return f"{path} is an absolute path; write it relative to the folder that labels.csv is in"
    if os.path.normpath(path).startswith("../"):
        return f"{path} leads out of the folder that labels.csv is in"
    problem = f"there is no {path}; write / between folders, not \\" if "\\" in path else _encoding(path)
    if not problem or remote.is_remote(folder) or os.path.lexists(os.path.join(folder, os.fsencode(path))):
        return ""
    return problem


def _encoding(text: str) -> str:
    if text.isascii() or text.encode("utf-8", "replace").decode() == text:
        return ""
    return f"{display(os.fsencode(text))} is not written in UTF-8; save the file as CSV UTF-8"
