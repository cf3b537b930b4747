"""Pydantic's validation errors as lines that name the key, say what is wrong, and offer the nearest known key."""

import difflib
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from pipeline.configuration.file import Key, Source

_WORDS = {
    "a valid dictionary": "a section of keys and values",
    "a valid tuple": "a list",
    "a valid list": "a list",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "text",
    "a valid boolean": "true or false",
}


def explain(error: ValidationError, model: type[BaseModel], source: Source) -> list[str]:
    """One line for each key at fault, in the order of the file."""
    faults: dict[Key, list[str]] = {}
    for detail in error.errors(include_url=False):
        key = _key(detail, source.data)
        message = _message(detail, key, model)
        if message not in faults.setdefault(key, []):
            faults[key].append(message)
    ordered = sorted(faults.items(), key=lambda fault: (source.line(fault[0]), fault[0]))
    return [source.error(key, ", or ".join(messages)) for key, messages in ordered]


def field_names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by the name that the file uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _key(detail: Mapping[str, Any], data: Any) -> Key:
    """The location without pydantic's own marks (union branches, `[key]`): what is in the file, or is missing in it."""
    key: list[str] = []
    for part in detail["loc"]:
        held = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
        if held:
            data = data[part]
        elif detail["type"] != "missing":
            continue
        key.append(str(part))
    return tuple(key)


def _message(detail: Mapping[str, Any], key: Key, model: type[BaseModel]) -> str:
    kind, text = detail["type"], detail["msg"]
    if kind == "extra_forbidden":
        return _unknown(key, model)
    if kind == "missing":
        return "is required and missing"
    if detail["loc"] and detail["loc"][-1] == "[key]":
        return f"{text.replace('Input', 'the name', 1)}{_nearest(key[-1], _expected(detail))}"
    if kind in ("value_error", "assertion_error"):
        return text.partition(", ")[2]
    if kind in ("model_type", "model_attributes_type"):
        return f"should be a section with keys of its own, not {_shown(detail['input'])}"
    said = re.sub(r"^(?!Keys)\w+ should", "should", text)
    for pydantics, ours in _WORDS.items():
        said = said.replace(pydantics, ours)
    said = f"{said.partition(', unable to')[0]}, not {_shown(detail['input'])}"
    return said + _nearest(detail["input"], _expected(detail))


def _unknown(key: Key, model: type[BaseModel]) -> str:
    section = _section(key[:-1], model)
    known = list(field_names(section)) if section else []
    elsewhere = [".".join(path) for path in key_paths(model) if path[-1] == key[-1]]
    if elsewhere:
        return f"unknown key here; did you mean {' or '.join(elsewhere)}?"
    if offer := _nearest(key[-1], known):
        return f"unknown key{offer}"
    return f"unknown key; known here: {', '.join(known)}"


def _nearest(word: Any, known: list[str]) -> str:
    close = difflib.get_close_matches(str(word), known, 1)
    return f"; did you mean {close[0]}?" if close else ""


def _expected(detail: Mapping[str, Any]) -> list[str]:
    """The permitted words of a literal: pydantic lists them only as text, `'a', 'b' or 'c'`."""
    return str(detail.get("ctx", {}).get("expected", "")).split("'")[1::2]


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _section(key: Key, model: type[BaseModel]) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for part in key:
        fields = field_names(found) if found else {}
        found = _inner_model(fields[part].annotation) if part in fields else found
    return found


def key_paths(model: type[BaseModel], prefix: Key = ()) -> list[Key]:
    """Every key that the file may have, sections included; those in a `dict` of options are under the dict's key."""
    paths = []
    for name, field in field_names(model).items():
        paths.append((*prefix, name))
        if inner := _inner_model(field.annotation):
            paths += key_paths(inner, (*prefix, name))
    return paths


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """The options model in `Model`, `Model | None` or `dict[Literal, Model]`; a `dict[str, Model]` has free keys."""
    if typing.get_origin(annotation) is dict and typing.get_args(annotation)[0] is str:
        return None
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((model for part in typing.get_args(annotation) if (model := _inner_model(part))), None)
