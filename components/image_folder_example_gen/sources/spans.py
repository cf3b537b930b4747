"""Folders that grow by spans: `photos/span-{SPAN}` or `photos/{YYYY}-{MM}-{DD}`, and the last few of them.

The patterns are TFX's (`{SPAN}`, `{VERSION}`, both with a width as in `{SPAN:4}`, and dates), and so are the numbers: a
date is the days since 1970-01-01. TFX itself is not imported, because `easel check` reads folders, too; the tests
compare with it. TFX's ExampleGens read one span at a time and leave a window to a Resolver behind them. Here the window
is read as one, because copies and near-copies in different spans have to be found and kept in one split.
"""

import datetime
import glob
import os
import re
from typing import NamedTuple

from trainer.base.errors import UserError

_SPEC = re.compile(r"\{(SPAN|VERSION)(?::(\d+))?\}|\{(YYYY|MM|DD)\}")
_DATE = {"YYYY": 4, "MM": 2, "DD": 2}


class Span(NamedTuple):
    """One folder of a pattern."""

    number: int
    version: int
    path: str
    name: str
    """Its path below the part of the pattern that is the same for all."""


def is_pattern(root: str | os.PathLike) -> bool:
    """Whether the name of a folder stands for spans; that of one that is there stands for itself."""
    return bool(_SPEC.search(os.fspath(root))) and not os.path.isdir(root)


def base(root: str | os.PathLike) -> str:
    """The folder that all spans are in; the folder itself where there are none."""
    text = os.fspath(root)
    spec = _SPEC.search(text)
    return os.path.dirname(text[: spec.start()]) if spec else text


def find(pattern: str | os.PathLike, window: int | None = None) -> list[Span]:
    """The spans that there are, in order, each in its latest version.

    `window` is how many of the latest; None takes all.

    Raises:
        UserError: the pattern is none of TFX's, or no folder matches it, or one with a date that there is none of.
    """
    text = os.fspath(pattern).rstrip("/")
    latest: dict[int, Span] = {}
    expression = _expression(text)
    for path in glob.iglob(_glob(text)):
        match = expression.fullmatch(path)
        if match and os.path.isdir(path):
            number = _number(match.groupdict(), path)
            version = int(match.groupdict().get("VERSION") or 0)
            span = Span(number, version, path, os.path.relpath(path, base(text)))
            latest[number] = max(latest.get(number, span), span)
    if not latest:
        raise UserError(f"no folder matches {text}")
    ordered = [latest[number] for number in sorted(latest)]
    return ordered[-window:] if window else ordered


def _expression(pattern: str) -> re.Pattern[str]:
    names = [match.group(1) or match.group(3) for match in _SPEC.finditer(pattern)]
    dated = [name for name in names if name in _DATE]
    if len(set(names)) < len(names) or sorted(dated) not in ([], sorted(_DATE)) or ("SPAN" in names) == bool(dated):
        raise UserError(f"{pattern}: needs {{SPAN}}, or {{YYYY}}, {{MM}} and {{DD}}, each once")
    parts, position = [], 0
    for match in _SPEC.finditer(pattern):
        name = match.group(1) or match.group(3)
        width = match.group(2) or _DATE.get(name)
        digits = f"{{{width}}}" if width else "+"
        parts += [re.escape(pattern[position : match.start()]), rf"(?P<{name}>\d{digits})"]
        position = match.end()
    return re.compile("".join([*parts, re.escape(pattern[position:])]))


def _glob(pattern: str) -> str:
    pieces = _SPEC.split(pattern)[:: _SPEC.groups + 1]
    return "*".join(glob.escape(piece) for piece in pieces)


def _number(fields: dict[str, str], path: str) -> int:
    if "SPAN" in fields:
        return int(fields["SPAN"])
    try:
        day = datetime.date(*(int(fields[name]) for name in _DATE))
    except ValueError:
        raise UserError(f"{path}: no such date") from None
    return (day - datetime.date(1970, 1, 1)).days
