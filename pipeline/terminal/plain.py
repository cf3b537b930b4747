"""The view that needs no terminal: lines for cron and CI."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from pipeline.progress.events import Events, Node, State, Value
from pipeline.progress.wording import duration, number

_ENDINGS = {"done": "done", "cached": "cached", "skipped": "skipped", "failed": "FAILED", "stopped": "STOPPED"}
_LOUD: tuple[State, ...] = ("failed", "stopped")


class Timer(Protocol):
    """What `threading.Timer` is: made with seconds and a function that it calls in a thread of its own."""

    def start(self) -> None:
        """Begins to count."""

    def cancel(self) -> None:
        """The function is not called, if it was not yet."""


class PlainView(Events):
    """Lines for logs: the ends of nodes that took a while, with their counts, and what went wrong.

    A node that still runs after `quick` seconds says that it started, and its counts at most every `every` seconds. The
    quick ones share a line.
    """

    def __init__(
        self,
        stream: TextIO,
        every: float = 30.0,
        quick: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], Timer] = threading.Timer,
    ):
        self._stream = stream
        self._every, self._quick = every, quick
        self._clock, self._timer = clock, timer
        self._lock = threading.RLock()
        self._nodes: dict[str, Node] = {}
        self._started: dict[str, float] = {}
        self._waiting: dict[str, Timer] = {}
        self._spoke: dict[str, float] = {}
        self._values: dict[str, dict[str, Value]] = {}
        self._folded: list[tuple[str, State]] = []

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            for waiting in self._waiting.values():
                waiting.cancel()
            self._unfold()
            self._stream.flush()

    def phase(self, text: str) -> None:
        """A line."""
        with self._lock:
            self._line(text)

    def warning(self, text: str) -> None:
        """A line."""
        self.phase(f"warning: {text}")

    def plan(self, nodes: Sequence[Node]) -> None:
        """Says how many steps lie ahead."""
        with self._lock:
            self._nodes = {node.id: node for node in nodes}
            lanes = dict.fromkeys(node.lane for node in nodes)
            self._line(f"{len(nodes)} steps: {', '.join(lanes)}")

    def node_started(self, node_id: str) -> None:
        """A line `lane / title: started` when it turns out to take a while."""
        with self._lock:
            self._started[node_id] = self._clock()
            waiting = self._waiting[node_id] = self._timer(self._quick, lambda: self._announce(node_id))
            waiting.daemon = True
            waiting.start()

    def node_progress(self, node_id: str, values: Mapping[str, Value]) -> None:
        """A line with the counts, unless the node spoke less than `every` seconds ago."""
        with self._lock:
            self._values[node_id] = dict(values)
            now = self._clock()
            if now - self._spoke.get(node_id, self._started.get(node_id, now)) >= self._every:
                self._spoke[node_id] = now
                self._line(f"{self._name(node_id)}: {describe(values)}")

    def node_finished(self, node_id: str, state: State) -> None:
        """A line with the state, the time it took and the last counts; none of its own when it was quick and quiet."""
        with self._lock:
            if waiting := self._waiting.pop(node_id, None):
                waiting.cancel()
            took = self._clock() - self._started[node_id] if node_id in self._started else 0.0
            if state not in _LOUD and took < self._quick and node_id not in self._spoke:
                self._folded.append((node_id, state))
                return
            line = f"{self._name(node_id)}: {_ENDINGS[state]}"
            if node_id in self._started and state != "skipped":
                line += f" in {duration(took)}"
            if values := self._values.get(node_id):
                line += f" ({describe(values)})"
            self._line(line)

    def log_path(self, path: Path) -> None:
        """A line that names the log."""
        with self._lock:
            self._line(f"log: {path}")

    def _announce(self, node_id: str) -> None:
        with self._lock:
            if node_id in self._waiting:
                self._spoke[node_id] = self._clock()
                self._line(f"{self._name(node_id)}: started")

    def _unfold(self) -> None:
        folded, self._folded = self._folded, []
        if len(folded) == 1:
            [(node_id, state)] = folded
            self._line(f"{self._name(node_id)}: {_ENDINGS[state]}")
        elif folded:
            counts = Counter(state for _, state in folded)
            endings = ", ".join(f"{count} {_ENDINGS[state]}" for state, count in counts.items())
            self._line(f"{len(folded)} short steps: {endings}")

    def _name(self, node_id: str) -> str:
        node = self._nodes.get(node_id, Node(node_id, "", node_id))
        return f"{node.lane} / {node.title}" if node.lane else node.title

    def _line(self, text: str) -> None:
        self._unfold()
        self._stream.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        self._stream.flush()


def way(values: Mapping[str, Value]) -> tuple[str, float, float] | None:
    """How far it is: the name of what is counted, how many are done, how many there are to do; None when nobody knows.

    Found in pairs such as `epoch=3, epochs=30` and `photos=100, of=400`.
    """
    for key, done in values.items():
        total = values.get(f"{key}s", values.get("of"))
        if isinstance(done, (int, float)) and isinstance(total, (int, float)) and total > 0:
            return key, done, total
    return None


def describe(values: Mapping[str, Value]) -> str:
    """The counts in words: `{"step": 10, "steps": 400, "loss": 1.2}` becomes `step 10/400 · loss 1.200`."""
    parts = []
    counted = way(values)
    for key, value in values.items():
        name = key.replace("_", " ")
        if counted and key in ("of", f"{counted[0]}s"):
            continue
        if counted and key == counted[0]:
            parts.append(f"{name} {number(value)}/{number(counted[2])}")
        elif isinstance(value, int) and not isinstance(value, bool):
            parts.append(f"{number(value)} {name}")
        else:
            parts.append(f"{name} {number(value)}")
    return " · ".join(parts)
