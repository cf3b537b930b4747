"""Reading the YAML file: lines of keys, `${VARIABLES}`, `--set` overrides, and errors that say where."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from trainer.base.errors import UserError

Key = tuple[str, ...]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class ConfigError(UserError):
    """The configuration is wrong; `errors` has one line for each fault, and the message is the first of them."""

    def __init__(self, errors: Sequence[str]):
        self.errors = tuple(map(one_line, errors))
        more = len(errors) - 1
        hint = f" (and {more} more; `easel check` lists all)" if more else ""
        super().__init__(self.errors[0] + hint)


def one_line(text: str) -> str:
    """Escapes what would break the line: a key may hold any character, and a path bytes that are not UTF-8."""
    return "".join(map(_escaped, text))


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    return rf"\x{ord(letter) - 0xDC00:02x}" if "\udc80" <= letter <= "\udcff" else repr(letter)[1:-1]


@dataclass
class Source:
    """The file's values with the overrides applied, and where each key was written."""

    path: Path
    data: dict[str, Any]
    lines: dict[Key, int] = field(default_factory=dict)
    overridden: dict[Key, str] = field(default_factory=dict)

    def error(self, key: Key, message: str) -> str:
        """One line: place, key, what is wrong. The place of a missing key is that of the section it belongs to."""
        return f"{self._place(key)}: {'.'.join(key)}: {message}" if key else f"{self.path}: {message}"

    def line(self, key: Key) -> int:
        """The line of the key or of the section around it, 0 when only the command line has it."""
        return next((self.lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in self.lines), 0)

    def folder(self, key: Key) -> Path:
        """What a relative path is relative to: the file's folder, or the current one for a value from `--set`."""
        return Path.cwd() if self._override(key) else self.path.absolute().parent

    def _place(self, key: Key) -> str:
        if override := self._override(key):
            return f"--set {override}"
        return f"{self.path}:{self.line(key)}" if self.line(key) else str(self.path)

    def _override(self, key: Key) -> str | None:
        return next((text for at, text in self.overridden.items() if key[: len(at)] == at), None)


def read(path: Path, overrides: Sequence[str]) -> Source:
    """Reads the file and applies `key.path=value` overrides, whose values are YAML too.

    Raises:
        ConfigError: unreadable file, YAML that does not parse, a key written twice, an unset variable, a bad override.
    """
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not a text file in UTF-8"]) from error
    except IsADirectoryError as error:
        inside = path / "easel.yaml"
        hint = f"name the file in it: {inside}" if inside.is_file() else "`easel init` writes a configuration for it"
        raise ConfigError([f"{path}: is a folder, and a configuration is a file; {hint}"]) from error
    except OSError as error:
        hint = "; `easel init FOLDER` writes one" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError([f"{path}: cannot be read: {error.strerror}{hint}"]) from error
    lines: dict[Key, int] = {}
    data = _parse(text, str(path), lines)
    if not isinstance(data, dict):
        raise ConfigError([f"{path}: {'is empty' if data is None else 'is not a mapping of keys to values'}"])
    source = Source(path, data, lines)
    for override in overrides:
        apply(source, override)
    return source


def _parse(text: str, origin: str, lines: dict[Key, int]) -> Any:
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _prepare(node, (), origin, lines, set())
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError([f"{origin}{line}: not valid YAML: {error.problem or error.context}"]) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError([f"{origin}: not valid YAML: {' '.join(str(error).split())}"]) from error


def _prepare(node: yaml.Node, key: Key, origin: str, lines: dict[Key, int], seen: set[int]) -> None:
    """Notes the lines, expands variables in place and refuses repeated keys; a node with aliases is visited once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        names = set()
        for name, value in node.value:
            inner = (*key, str(name.value))
            line = name.start_mark.line + 1
            if name.tag == "tag:yaml.org,2002:bool":
                name.tag = "tag:yaml.org,2002:str"  # YAML 1.1 takes the key `on` for true
            if isinstance(name, yaml.ScalarNode) and name.value in names:
                raise ConfigError([f"{origin}:{line}: {'.'.join(inner)}: is written twice"])
            names.add(name.value if isinstance(name, yaml.ScalarNode) else id(name))
            lines.setdefault(inner, line)
            _prepare(value, inner, origin, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _prepare(value, (*key, str(index)), origin, lines, seen)
    elif node.tag == "tag:yaml.org,2002:str":
        place = f"{origin}:{node.start_mark.line + 1}: {'.'.join(key)}" if key else origin
        node.value = _expand(node.value, place)


def _expand(text: str, place: str) -> str:
    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            raise ConfigError([f"{place}: the environment variable {name or '(no name)'} is not set"])
        return os.environ[name]

    return _VARIABLE.sub(replace, text)


def apply(source: Source, override: str) -> None:
    """Applies one `key.path=value` in place; raises ConfigError when it is not one or leads through a value."""
    name, equals, value = override.partition("=")
    key = tuple(part.strip() for part in name.split("."))
    if not equals or not all(key):
        raise ConfigError([f"--set {override}: write key.path=value, such as classifier.train.head.epochs=5"])
    section = source.data
    for depth, part in enumerate(key[:-1], 1):
        if section.get(part) is None:
            section[part] = {}
        section = section[part]
        if not isinstance(section, dict):
            raise ConfigError([f"--set {override}: {'.'.join(key[:depth])} is not a section"])
    section[key[-1]] = _parse(value, f"--set {override}", {})
    source.overridden[key] = override
