"""The one way to rich's console: what a person called a file, a class or a reason is shown as it is.

Rich reads `[red]`, `[/x]` and `:cat:` in a plain string as markup and swallows it, or ends in a traceback. Consoles
made here do not; style is given by `rich.text.Text` or by the `style` of a table or a column. A test keeps it so.
"""

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from pipeline.terminal import quiet

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def console(**options: Any) -> Console:
    """A console that takes every string for what it is; `options` are `rich.console.Console`'s."""
    return _Console(markup=False, emoji=False, highlight=False, **options)


@contextlib.contextmanager
def working(text: str, aloud: bool = False) -> Iterator[None]:
    """Says on a terminal's standard error what is being done, while it is; `aloud`, in a line elsewhere, too.

    Also where `quiet.capture` takes what others write meanwhile.
    """
    screen = console(file=quiet.keep(sys.stderr))
    if screen.is_terminal:
        with screen.status(text):
            yield
        return
    if aloud:
        screen.print(text, soft_wrap=True)
    yield


def plain(text: object) -> str:
    r"""Text from outside for a terminal: what would move the cursor, colour or reorder it becomes visible (`\x1b`).

    Line ends and tabs stay. Bytes of a path that are no UTF-8 appear as `\xff`.
    """
    return _UNPRINTABLE.sub(_escape, str(text))


def _escape(found: re.Match) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a path, as Python keeps it (PEP 383)
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class _Console(Console):
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)
