"""Text from outside is never markup: what the console does with it, and that no code goes round the console."""

import ast
import io
import re
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from pipeline.terminal.console import console, plain

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted(path for room in ("pipeline", "components", "trainer", "data") for path in (ROOT / room).rglob("*.py"))
HOSTILE = ["[red]a[1].jpg", "see [/ticket]", "[bold", "[/]", ":cat:", "[link=file:///x]y[/link]"]
MARKUP = re.compile(
    r"\[/?(bold|dim|italic|underline|red|green|yellow|blue|cyan|magenta|white|black|link)\b[^\]]*\]|\[/\]"
)


def printed(document, **options):
    screen = console(file=io.StringIO(), width=100, **options)
    screen.print(document)
    return screen.file.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
def test_brackets_and_colons_are_shown_as_they_are(text):
    table = Table(text, title=text, caption=text)
    table.add_row(text)
    assert printed(text) == f"{text}\n"
    assert printed(table).count(text) == 4
    with console(file=io.StringIO(), force_terminal=True).status(Text(text)):
        pass


def test_control_characters_and_bytes_become_visible():
    assert plain("a\x1b[2J\x07\r\u202eb\udcff\n\tc") == "a\\x1b[2J\\x07\\x0d\\u202eb\\xff\n\tc"
    table = Table("a\x1b]0;title\x07")
    table.add_row(Text("b\x1b[2J"))
    assert "\x1b" not in printed(table)
    assert "b\\x1b[2J" in printed(table)
    assert "\x1b[1mbold" in printed(Text("bold", "bold"), force_terminal=True, color_system="standard")


def test_the_code_has_one_way_to_a_console_and_writes_no_markup():
    faults = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = _fault(node, path.relative_to(ROOT).as_posix())
            faults += [f"{path.relative_to(ROOT)}:{node.lineno}: {found}"] if found else []
    assert faults == []


def _fault(node, path):
    """What a piece of code does that would let a string from outside be taken for markup."""
    if path == "pipeline/terminal/console.py":
        return None
    if isinstance(node, ast.ImportFrom) and node.module == "rich.markup":
        return "rich.markup: a console of pipeline.terminal.console needs nothing escaped"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and MARKUP.search(node.value):
        return "markup in a string: style by rich.text.Text"
    if isinstance(node, ast.Attribute) and node.attr == "from_markup":
        return "from_markup: style by rich.text.Text"
    if not isinstance(node, ast.Call):
        return None
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    if name == "Console":
        return "rich.console.Console: use pipeline.terminal.console"
    if name == "TextColumn" and not any(word.arg == "markup" for word in node.keywords):
        return "TextColumn takes markup: markup=False"
    if name in ("status", "Spinner") and any(isinstance(given, ast.JoinedStr) for given in node.args):
        return f"{name} takes a string for markup: give it a Text"
    return None
