"""What a run tells while it works: `pipeline.running` calls `Events`, `pipeline.terminal` shows them.

Events may come from several threads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["done", "cached", "skipped", "failed", "stopped"]

Value = float | int | str


@dataclass(frozen=True)
class Node:
    """One component as the person sees it: the DAG's id, the branch of the tree it is drawn in, and its name there."""

    id: str
    lane: str
    title: str


class Events:
    """Everything a run announces. A view is a context manager around the run that overrides what it shows.

    This one shows nothing: for `--json`, and for callers that only want the result.
    """

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def phase(self, text: str) -> None:
        """What is done now, before the first node or after the last."""

    def plan(self, nodes: Sequence[Node]) -> None:
        """Announces all nodes, in the order of execution, before the first starts."""

    def node_started(self, node_id: str) -> None:
        """The node runs now."""

    def node_progress(self, node_id: str, values: Mapping[str, Value]) -> None:
        """The counts that matter in a running node now, instead of those before; see `trainer.base.progress.report`."""

    def node_finished(self, node_id: str, state: State) -> None:
        """The node ended; a skipped or cached one need not have been started."""

    def warning(self, text: str) -> None:
        """What a person should know of the run that begins."""

    def log_path(self, path: Path) -> None:
        """Where everything goes that is not shown."""
