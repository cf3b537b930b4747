"""Failures that already know their line and their exit code."""

from pathlib import Path

from pipeline.results import FAILED


class Fault(Exception):
    """The message is the line that the person reads."""

    def __init__(self, message: str, exit_code: int = FAILED):
        super().__init__(message)
        self.exit_code = exit_code

    @classmethod
    def unexpected(cls, error: BaseException, log: Path) -> "Fault":
        """An exception that nobody foresaw: its type, the first line of its message, and where the traceback is."""
        lines = str(error).strip().splitlines()
        return cls(": ".join([type(error).__name__, *lines[:1]]) + f" (unexpected; the traceback is in {log})")
