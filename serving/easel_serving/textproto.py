"""Protocol buffers' text format, as much of it as TensorFlow Serving's configuration files use.

With it the registry writes `models.config` without TensorFlow, and keeps the fields that a person added by hand.
A message is a list of `(field, value)` pairs in order; a value is a str, int, float, bool, `Word` or another message.
"""

import ast
import re
from typing import Any

Message = list[tuple[str, Any]]


class Word(str):
    """An unquoted enumeration name."""


_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<token>[A-Za-z_][\w.]*|[-+]?[\d.][\w.+-]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|.)"""
)
_CLOSING = {"{": "}", "<": ">"}


def parse(text: str) -> Message:
    """Parses a message; raises ValueError, naming what is wrong, for text that is none."""
    tokens = [match["token"] for match in _TOKEN.finditer(text) if match["token"]]
    message, rest = _fields(tokens, 0, None)
    if rest != len(tokens):
        raise ValueError(f"unexpected {tokens[rest]!r}")
    return message


def _fields(tokens: list[str], at: int, end: str | None) -> tuple[Message, int]:
    message: Message = []
    while at < len(tokens) and tokens[at] != end:
        field, at = tokens[at], at + 1
        if not re.fullmatch(r"[A-Za-z_]\w*", field):
            raise ValueError(f"expected a field name, found {field!r}")
        colon = at < len(tokens) and tokens[at] == ":"
        at += colon
        if at >= len(tokens):
            raise ValueError(f"{field} has no value")
        token = tokens[at]
        if token == "[" and colon:
            at += 1
            while at < len(tokens) and tokens[at] != "]":
                value, at = _value(tokens, at, field)
                message.append((field, value))
                at += at < len(tokens) and tokens[at] == ","
            if at >= len(tokens):
                raise ValueError(f"{field}: missing ']'")
            at += 1
        elif token in _CLOSING or colon:
            value, at = _value(tokens, at, field)
            message.append((field, value))
        else:
            raise ValueError(f"expected ':' or '{{' after {field}, found {token!r}")
        at += at < len(tokens) and tokens[at] in (",", ";")
    if end is not None:
        if at >= len(tokens):
            raise ValueError(f"missing {end!r}")
        at += 1
    return message, at


def _value(tokens: list[str], at: int, field: str) -> tuple[Any, int]:
    token = tokens[at]
    if token in _CLOSING:
        return _fields(tokens, at + 1, _CLOSING[token])
    if token[0] in "\"'":
        text = ""
        while at < len(tokens) and tokens[at][0] in "\"'":
            text += ast.literal_eval(tokens[at])
            at += 1
        return text, at
    if token in ("true", "false"):
        return token == "true", at + 1
    if re.fullmatch(r"[A-Za-z_][\w.]*", token):
        return Word(token), at + 1
    try:
        return int(token, 0), at + 1
    except ValueError:
        pass
    try:
        return float(token.rstrip("f")), at + 1
    except ValueError:
        raise ValueError(f"{field} has no value that could be read: {token!r}") from None


def render(message: Message, indent: str = "") -> str:
    """The text of a message, two spaces a level; `parse` gives it back."""
    lines = []
    for field, value in message:
        if isinstance(value, list):
            lines.append(f"{indent}{field} {{\n{render(value, indent + '  ')}{indent}}}\n")
        else:
            lines.append(f"{indent}{field}: {_scalar(value)}\n")
    return "".join(lines)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not isinstance(value, Word):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return str(value)


def get(message: Message, field: str, default: Any = None) -> Any:
    """The last value of a field (the one that counts, by the format's rule), or `default`."""
    return next((value for name, value in reversed(message) if name == field), default)


def get_all(message: Message, field: str) -> list[Any]:
    """Every value of a repeated field, in order."""
    return [value for name, value in message if name == field]


def without(message: Message, *fields: str) -> Message:
    """The message without these fields."""
    return [(name, value) for name, value in message if name not in fields]
