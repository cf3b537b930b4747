"""Commands of the person's own that hear what a run came to: mail, chat, a ticket, whatever reads JSON."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.configuration.hooks import HookOptions
from pipeline.configuration.secrets import Mask
from pipeline.history.result import jsonable

EVENTS = ("pushed", "rejected", "stopped", "failed")
_MOST_OUTPUT = 10_000
"""Characters of a hook's output that the log keeps."""


def due(hooks: HookOptions, outcomes: Iterable[str]) -> list[tuple[str, str]]:
    """The events that happened and have a command, each once: `[("pushed", "mail ...")]`."""
    happened = set(outcomes)
    return [(event, command) for event in EVENTS if event in happened and (command := getattr(hooks, event))]


def call(hooks: HookOptions, outcomes: Iterable[str], document: Any, log: Path) -> tuple[str, ...]:
    """Runs the commands that are due; what they write goes to the log without its secrets.

    The document is what `easel run --json` prints; what the commands say goes to the end of the run's log.

    Returns:
        A warning for each command that failed or was too slow.
    """
    text = json.dumps(jsonable(document), ensure_ascii=False, allow_nan=False)
    warnings = []
    for event, command in due(hooks, outcomes):
        with _outcome(command, text, hooks.timeout) as (fault, output):
            with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(Mask()(f"hook on.{event}: {fault or 'done'}\n{output}"))
            if fault:
                warnings.append(f"on.{event}: the command {fault}; its output is in the log")
    return tuple(warnings)


@contextlib.contextmanager
def _outcome(command: str, text: str, timeout: float) -> Iterator[tuple[str, str]]:
    """Runs one command: what went wrong in words, or nothing, and the end of what it wrote.

    Files instead of pipes: a command need not read its input, and what it leaves behind in the background may keep its
    output open for ever.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as written:
        given.write(text.encode())
        given.seek(0)
        # A process group of its own, so that all of it can be killed, and Ctrl-C is ours alone.
        process = subprocess.Popen(
            command, shell=True, stdin=given, stdout=written, stderr=subprocess.STDOUT, start_new_session=True
        )
        fault = ""
        try:
            if code := process.wait(timeout):
                fault = f"exited with {code}" if code > 0 else f"was ended by signal {-code}"
        except subprocess.TimeoutExpired:
            fault = f"took longer than {timeout:g} s and was killed"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        size = written.seek(0, os.SEEK_END)
        written.seek(max(0, size - _MOST_OUTPUT))
        yield fault, written.read().decode("utf-8", "replace")
