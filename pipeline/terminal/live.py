"""The live view: the components as a tree, a branch a lane, on a terminal."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pipeline.progress.events import Events, Node, State, Value
from pipeline.progress.wording import duration
from pipeline.terminal.plain import describe, way

_SIGNS = {
    "waiting": ("·", "dim"),
    "done": ("✓", "green"),
    "cached": ("✓", "green"),
    "skipped": ("○", "dim"),
    "failed": ("✗", "bold red"),
    "stopped": ("■", "bold yellow"),
}
_QUIET_ENDINGS = ("done", "cached", "skipped")
_BAR = 14
_WIDTH = 110
"""Wider than this and the eye loses the line on its way to the clock."""
_FRAME = 4
"""Lines around the tree: title, log, and the line of the prompt."""


@dataclass
class _Row:
    node: Node
    state: str = "waiting"
    started: float | None = None
    ended: float | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    begin: tuple[str, float, float] | None = None
    """What is counted, how many were done when it was first heard of, and when: a resumed training starts late."""


class LiveView(Events):
    """Draws the tree four times a second: state, elapsed time and the counts that matter of every component.

    When the terminal is too low for the whole tree, finished components share a line, then waiting ones do.
    """

    def __init__(self, console: Console, title: str, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._title = title
        self._log: Path | None = None
        self._begin = clock()
        self._rows: dict[str, _Row] = {}
        self._lock = threading.RLock()
        self._spinner = Spinner("dots", style="cyan")
        self._phase: Spinner | None = None
        self._complete = False
        self._live = Live(self, console=console, refresh_per_second=4, redirect_stdout=False, redirect_stderr=False)

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._complete = True
            for row in self._rows.values():
                if row.state == "running":
                    row.state, row.ended = "failed", self._clock()
        self._live.stop()

    def phase(self, text: str) -> None:
        """A line of its own, below the tree, until a node starts."""
        with self._lock:
            self._phase = Spinner("dots", Text(text, style="dim"), style="cyan")

    def warning(self, text: str) -> None:
        """A line above the tree that stays."""
        self._live.console.print(Text.assemble(("! ", "yellow"), text))

    def plan(self, nodes: Sequence[Node]) -> None:
        """Draws all nodes as waiting."""
        with self._lock:
            self._rows = {node.id: _Row(node) for node in nodes}

    def node_started(self, node_id: str) -> None:
        """The node's clock runs."""
        with self._lock:
            row = self._row(node_id)
            row.state, row.started, self._phase = "running", self._clock(), None

    def node_progress(self, node_id: str, values: Mapping[str, Value]) -> None:
        """New counts replace those before."""
        with self._lock:
            row = self._row(node_id)
            row.values = dict(values)
            counted = way(values)
            if counted and (row.begin is None or row.begin[0] != counted[0]):
                row.begin = (counted[0], counted[1], self._clock())

    def node_finished(self, node_id: str, state: State) -> None:
        """The node's clock stops."""
        with self._lock:
            row = self._row(node_id)
            row.state, row.ended = state, self._clock()

    def log_path(self, path: Path) -> None:
        """Shown under the title."""
        self._log = path

    def _row(self, node_id: str) -> _Row:
        return self._rows.setdefault(node_id, _Row(Node(node_id, "", node_id)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """One frame."""
        with self._lock:
            # The last columns stay free: there the terminal writes ^C, which must not wrap and shift the frame.
            width = max(1, min(options.max_width - 4, _WIDTH))
            line = Table.grid(expand=True)
            line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
            line.add_column(no_wrap=True, justify="right", style="dim")
            line.add_row(Text(self._title, style="bold"), duration(self._clock() - self._begin))
            line.width = width
            yield line
            if self._log:
                yield Text(f"log {self._log}", style="dim", no_wrap=True, overflow="ellipsis")
            phase = None if self._complete else self._phase
            if self._rows:
                lines = options.size.height - _FRAME - (phase is not None)
                tree = self._tree(None if self._complete else lines)
                tree.width = width
                yield tree
            if phase:
                yield phase
            elif self._phase and not self._rows:
                yield self._phase.text  # nothing came after it

    def _tree(self, height: int | None) -> Table:
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        grid.add_column(no_wrap=True, justify="right", style="dim")
        lanes: dict[str, list[_Row]] = {}
        for row in self._rows.values():
            lanes.setdefault(row.node.lane, []).append(row)
        for lane, groups in _fit(lanes, height).items():
            grid.add_row(Text(lane, style="bold"))
            for index, group in enumerate(groups):
                branch = "└ " if index == len(groups) - 1 else "├ "
                grid.add_row(*self._cells(branch, group))
        return grid

    def _cells(self, branch: str, group: list[_Row]) -> tuple[Table | Text, Text, Text]:
        row = group[0]
        seconds = sum(self._elapsed(row) for row in group)
        clock = Text(duration(seconds) if seconds >= 1 or row.state == "running" else "")
        if len(group) > 1:
            sign, style = _SIGNS[row.state]
            label = Text.assemble((branch, "dim"), (f"{sign} ", style), (f"{len(group)} {_together(group)}", "dim"))
            return label, Text(", ".join(row.node.title for row in group), style="dim"), clock
        if row.state == "running":
            label = Table.grid()
            label.add_row(Text(branch, style="dim"), self._spinner, Text(f" {row.node.title}", style="bold"))
            return label, self._counts(row), clock
        sign, style = _SIGNS[row.state]
        title_style = {"waiting": "dim", "skipped": "dim", "failed": "red", "stopped": "yellow"}.get(row.state, "")
        label = Text.assemble((branch, "dim"), (f"{sign} ", style), (row.node.title, title_style))
        said = describe(row.values)
        if row.state in ("cached", "skipped", "failed", "stopped"):
            said = " · ".join(filter(None, (row.state, said)))
        return label, Text(said, style=style if row.state in ("failed", "stopped") else "dim"), clock

    def _elapsed(self, row: _Row) -> float:
        if row.started is None:
            return 0.0
        return (self._clock() if row.ended is None else row.ended) - row.started

    def _counts(self, row: _Row) -> Text:
        counted = way(row.values)
        if counted is None or row.begin is None:
            return Text(describe(row.values))
        _, done, total = counted
        _, first, since = row.begin
        full = round(_BAR * min(1.0, max(0.0, done / total)))
        text = Text().append("━" * full, style="cyan").append("─" * (_BAR - full), style="bright_black")
        text.append(f" {describe(row.values)}")
        if done > first:
            left = (self._clock() - since) / (done - first) * max(0, total - done)
            text.append(f" · {duration(left)} left", style="dim")
        return text


def _fit(lanes: Mapping[str, list[_Row]], height: int | None) -> dict[str, list[list[_Row]]]:
    """The rows of each lane in groups that share a line: as few shared lines as the height needs."""
    collapsed: Iterable[tuple[str, ...]] = ((), _QUIET_ENDINGS, (*_QUIET_ENDINGS, "waiting"))
    groups: dict[str, list[list[_Row]]] = {}
    for states in collapsed:
        groups = {lane: _group(rows, states) for lane, rows in lanes.items()}
        if height is None or sum(len(lines) + 1 for lines in groups.values()) <= height:
            break
    return groups


def _group(rows: list[_Row], states: tuple[str, ...]) -> list[list[_Row]]:
    """Neighbours whose states are among `states`, and alike waiting or finished, share a group."""
    groups: list[list[_Row]] = []
    for row in rows:
        before = groups[-1][-1].state if groups else ""
        alike = (before == "waiting") == (row.state == "waiting")
        if row.state in states and before in states and alike:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _together(group: list[_Row]) -> str:
    states = {row.state for row in group}
    return states.pop() if len(states) == 1 else "finished"
