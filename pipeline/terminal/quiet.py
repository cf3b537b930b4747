"""Sends the floods of TFX, Beam, absl and TensorFlow's C++ to a log file while the view keeps the terminal."""

import atexit
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TextIO

from pipeline.configuration.secrets import Mask, MaskedStream

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_LONGEST = 2000


class _Short(logging.Formatter):
    """Cuts long messages that are no warnings: TFX prints the definition of each node, a megabyte for a run."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.levelno >= logging.WARNING or record.exc_info or len(text) <= _LONGEST:
            return text
        return f"{text[:_LONGEST]}... ({len(text)} characters)"


def keep(stream: TextIO) -> TextIO:
    """A second handle on where `stream` leads now, which `capture` will not redirect.

    A stream without a file descriptor, such as a test's buffer, is returned as it is.
    """
    try:
        descriptor = os.dup(stream.fileno())
    except (OSError, ValueError):
        return stream
    return os.fdopen(descriptor, "w", encoding=stream.encoding, errors="replace", buffering=1)


@contextlib.contextmanager
def capture(log: Path) -> Iterator[None]:
    """Inside the block everything that this process and its children write to their outputs goes to `log`.

    The file descriptors themselves are redirected, because TensorFlow's C++ and child processes know nothing of
    `sys.stderr`. Log records of level INFO and above, and Python's warnings, go to the same file. What Python writes is
    masked (`pipeline.configuration.secrets`).
    """
    # Not at the top: absl is 0.1 s that `easel --help` need not wait for.
    from absl import logging as absl_logging

    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8", errors="backslashreplace", buffering=1) as file:
        masked = MaskedStream(file, Mask())
        handler = logging.StreamHandler(masked)
        handler.setFormatter(_Short(_FORMAT))
        root = logging.getLogger()
        level, verbosity = root.level, absl_logging.get_verbosity()
        with _redirected(file.fileno()), contextlib.redirect_stdout(masked), contextlib.redirect_stderr(masked):
            root.addHandler(handler)
            root.setLevel(logging.INFO)
            absl_logging.set_verbosity(absl_logging.INFO)
            logging.captureWarnings(True)
            try:
                yield
            finally:
                logging.captureWarnings(False)
                absl_logging.set_verbosity(verbosity)
                root.setLevel(level)
                root.removeHandler(handler)


def leave(code: int) -> NoReturn:
    """Ends the process, after everything that is registered for its end, without taking down the interpreter.

    TensorFlow's and TFX's ten thousand modules take two seconds to take down, and the destructors complain.
    """
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError):  # nobody reads any more
        _flush()
    os._exit(code)


@contextlib.contextmanager
def _redirected(target: int) -> Iterator[None]:
    saved = {number: os.dup(number) for number in (1, 2)}
    try:
        _flush()
        for number in saved:
            os.dup2(target, number)
        yield
    finally:
        _flush()
        for number, original in saved.items():
            os.dup2(original, number)
            os.close(original)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
