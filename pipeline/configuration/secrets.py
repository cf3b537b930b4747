"""Keeps secrets out of logs: what secret environment variables hold, and the credentials in addresses and headers.

What Python writes is masked (`quiet.capture`, hooks, tracebacks). Bytes that C++ libraries write to the file descriptor
themselves are not; they are given no secret by us.
"""

import os
import re
from collections.abc import Mapping
from typing import Any, TextIO

MASK = "***"
_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|WEBHOOK", re.IGNORECASE)
_SHORTEST = 6
"""Shorter values are no secrets, and masking them would black out half the log."""
_PATTERNS = (
    (re.compile(r"(://)[^\s/@'\"]+@"), rf"\1{MASK}@"),
    (re.compile(r"([?&][\w-]*(?:key|token|secret|passw\w*|signature|credential)=)[^&\s'\"]+", re.I), rf"\1{MASK}"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.I), rf"\1 {MASK}"),
)


class Mask:
    """Replaces secrets in a text by `***`.

    Args:
        environment: variables by name; the values of those whose names speak of a key, token, secret, password,
            credential or webhook are masked wherever they appear.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ):
        secrets = {value for name, value in environment.items() if _NAMES.search(name) and len(value) >= _SHORTEST}
        longest_first = sorted(secrets, key=lambda value: (-len(value), value))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if secrets else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._known:
            text = self._known.sub(MASK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


class MaskedStream:
    """A text stream that masks what is written to it; everything else is the stream's own."""

    def __init__(self, stream: TextIO, mask: Mask):
        self._stream, self._mask = stream, mask

    def write(self, text: str) -> int:
        """Masks and writes; the number of characters that were given."""
        self._stream.write(self._mask(text))
        return len(text)

    def writelines(self, lines) -> None:
        """Masks and writes each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
