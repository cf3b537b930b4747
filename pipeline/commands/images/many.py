"""Work on many files: each result is said when it is there, and the end names the bad ones with their reasons."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pipeline.commands import failures, options
from pipeline.commands.failures import Fault
from pipeline.configuration.secrets import Mask
from pipeline.history.result import BAD_INPUT, FAILED
from pipeline.terminal import quiet
from pipeline.terminal.console import console, plain


class Work:
    """A command's way through its files; `work` makes it."""

    def __init__(self, total: int, as_json: bool, slow: bool = False):
        from pipeline.terminal.bar import Bar

        self.screen = console(file=quiet.keep(sys.stderr))
        self._out, self._to_terminal = quiet.keep(sys.stdout), sys.stdout.isatty()
        self._total, self._as_json = total, as_json
        self.records: list[dict[str, Any]] = []
        self._bad: list[tuple[str, int]] = []
        self.bar = Bar(total, self.screen, (total > 1 or slow) and self.screen.is_terminal)

    @contextlib.contextmanager
    def on(self, path: Path) -> Iterator[None]:
        """What is done with one file: an error in it is noted, unless every other file would meet it too."""
        self.bar.name(path.name)
        try:
            yield
        except Exception as error:
            if failures.everybodys(error):
                raise
            self.failed(path, *failures.explain(error))

    def part(self, share: float) -> None:
        """How much of the file that is worked on is done, 0 to 1."""
        self.bar.done(len(self.records) + share)

    def warn(self, line: str) -> None:
        """Says on standard error what concerns all files."""
        self.screen.print(f"easel: {line}", soft_wrap=True)

    def done(self, line: str, **record: Any) -> None:
        """Says what became of a file: `line` for people, `record` (with its `path`) for programs; what was left out."""
        left_out = _left_out(record["path"])
        self._note(record | ({"left_out": left_out} if left_out else {}))
        if left_out:
            self.warn(f"{plain(record['path'])}: only the first of its {left_out} is used")
        if self._as_json:
            return
        if self._to_terminal and not self.bar.disable:
            self.screen.print(line, soft_wrap=True)  # above the bar instead of in it
        else:
            print(plain(line) if self._to_terminal else line, file=self._out, flush=True)

    def failed(self, path: Path, reason: str, code: int = BAD_INPUT) -> None:
        """Notes why nothing became of a file."""
        reason = Mask()(reason)
        bare = reason.removeprefix(f"{path}: ")
        self._bad.append((reason if self._total == 1 else f"{path}: {bare}", code))
        self._note({"path": path, "error": bare})

    def report(self) -> None:
        """Prints the document, and of several files those that were bad."""
        if self._as_json:
            options.print_json(self.records)
        for line, _ in self._bad if self._total > 1 else ():
            click.echo(f"easel: {plain(line)}", err=True)

    def fault(self, done: str) -> Fault | None:
        """What to end with, if files were bad."""
        if not self._bad:
            return None
        code = FAILED if any(code == FAILED for _, code in self._bad) else BAD_INPUT
        if self._total == 1:
            return Fault(self._bad[0][0], code)
        others = "the others are" if len(self._bad) < self._total else "that is all of them"
        return Fault(f"{len(self._bad)} of {self._total} photos could not be {done}; {others}", code)

    def _note(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        self.bar.done(len(self.records))


def _left_out(path: str | Path) -> str:
    """What a file holds besides the picture that was used; empty also where it can no longer be asked."""
    from easel_serving.images import prepare
    from easel_serving.protocol.errors import ServingError

    try:
        return prepare.left_out(path)
    except ServingError:
        return ""


@contextlib.contextmanager
def work(done: str, total: int, as_json: bool = False, slow: bool = False) -> Iterator[Work]:
    """Yields what a command goes through its files with; TensorFlow's flood meanwhile goes nowhere.

    `done` is what is done with the files, such as `painted`. `as_json` prints one document of all records instead of
    lines.

    Raises:
        Fault: files were bad. They are listed on standard error before, also when an error ends the work early.
    """
    begun = Work(total, as_json, slow)
    try:
        with quiet.capture(Path(os.devnull)), begun.bar:
            yield begun
    except BaseException:
        if begun.records:
            begun.report()
        raise
    begun.report()
    if fault := begun.fault(done):
        raise fault
