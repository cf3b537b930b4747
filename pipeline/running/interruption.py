"""SIGTERM ends a run as Ctrl-C does: schedulers and `systemctl stop` send it, and Python dies of it on the spot."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from pipeline.history.result import INTERRUPTED


class Terminated(KeyboardInterrupt):
    """SIGTERM came. A KeyboardInterrupt, so that nobody takes it for a fault of a component."""


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """As shells count it: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + signal.SIGTERM if isinstance(interrupt, Terminated) else INTERRUPTED


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Inside the block SIGTERM raises Terminated in the main thread; a second one kills at once.

    Both interrupts carry a message: one without comes out of Beam's steps as a RuntimeError, a fault of a component.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, _terminate)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, in the background
        before[signal.SIGINT] = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Terminated("SIGTERM")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt("SIGINT")
