"""Figures and faults as people read them."""

from typing import Any

from pipeline.progress.events import Value


def number(value: Value) -> str:
    """A number as people read it: thousands separated, fractions with three decimals or three significant digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.3f}"
    return f"{value:,.3g}" if abs(value) < 0.01 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """`0:07`, `12:31` or `1:02:03`."""
    total = max(0, int(seconds))
    hours, minutes, rest = total // 3600, total // 60 % 60, total % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def value(figure: Any) -> str:
    """A metric for a table cell; nothing for one that is not there."""
    return "" if figure is None else number(figure)


def size(count: int) -> str:
    """Bytes as people read them: `3.4 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def line_of(error: BaseException) -> str:
    """The line of an exception's message that says what is wrong: its type when it has none.

    That is the first; of one that only introduces the others, such as TensorFlow's "in user code:", it is the last.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return lines[-1] if lines[0].endswith(":") else lines[0]
