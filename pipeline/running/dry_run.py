"""What a run would do and why, without doing it: TFX's own cache is asked, on a copy of the workspace's metadata.

Every component goes through its driver in a temporary folder. What the cache has is taken from there; what it has not
is noted instead of being run, and with it all that waits for its output. Only components that look and decide, and
write nothing but their own small output, are really run: whether there is anything to train may hang on them.
"""

import contextlib
import dataclasses
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tfx.dsl.compiler import compiler
from tfx.orchestration.portable import launcher

from pipeline import dag
from pipeline.configuration.config import Config
from pipeline.history import causes, configuration
from pipeline.history.store import FILE, Store
from pipeline.planning import evidence, snapshot
from pipeline.planning.triggers import Decision
from pipeline.planning.workspace_state import GATES, WorkspaceState
from pipeline.progress.events import Node
from pipeline.progress.wording import number
from pipeline.running.dry_run_report import Component, DryRunReport, summed_up
from pipeline.running.lane_runner import LaneRunner, Trace

_LOOKS = (*GATES, "Champion")
INGEST = "ImageFolderExampleGen"


def look_ahead(config: Config, workspace: WorkspaceState, decisions: Mapping[str, Decision]) -> DryRunReport:
    """Looks ahead. Nothing is written into the workspace or the serving directory, and no lock is taken."""
    with copy_of(config.workspace) as scratch:
        pipeline, nodes = dag.build(config, snapshot.take(config), scratch)
        ir = compiler.Compiler().compile(pipeline)
        upstream = {each.pipeline_node.node_info.id: each.pipeline_node.upstream_nodes for each in ir.nodes}
        trace = DryRunner(lambda node_id, state: None).run_with_ir(ir)
        keys = _changed_keys(config)
        components = list(_components(nodes, trace, upstream, Store(scratch), config.name, not keys))
    found = summed_up(_in_detail(components, workspace, keys), decisions)
    return dataclasses.replace(found, evidence=tuple(evidence.foretell(config, workspace.reports())))


@contextlib.contextmanager
def copy_of(workspace: Path) -> Iterator[Path]:
    """A temporary folder with the metadata as they are now, also beside a run that writes them."""
    with tempfile.TemporaryDirectory(prefix="easel-dry-run-") as folder:
        if (workspace / FILE).is_file():
            with (
                contextlib.closing(sqlite3.connect(workspace / FILE, timeout=60)) as source,
                contextlib.closing(sqlite3.connect(Path(folder, FILE))) as target,
            ):
                source.backup(target)
        yield Path(folder)


class WouldRun(Exception):
    """Raised in the place of the work."""


class _DryLauncher(launcher.Launcher):
    def _run_executor(self, execution_info):
        if execution_info.pipeline_node.node_info.id.split(".")[0] in _LOOKS:
            return super()._run_executor(execution_info)
        raise WouldRun


class DryRunner(LaneRunner):
    """Finds out which nodes the cache has; the others fail with WouldRun."""

    launcher = _DryLauncher


def _components(
    nodes: list[Node], trace: Trace, upstream: Mapping[str, list[str]], store: Store, pipeline: str, same: bool
) -> Iterator[Component]:
    running: set[str] = set()
    for node in nodes:
        state, why = trace.states[node.id], ""
        if isinstance(trace.errors.get(node.id), WouldRun):
            *earlier, now = store.executions(pipeline, node.id)
            finished = (each for each in reversed(earlier) if each.finished)
            state, why = "runs", causes.cause(now, next(finished, None), lambda before: same)
        elif node.id in trace.errors:
            raise trace.errors[node.id]
        elif state == "skipped" and running.intersection(upstream[node.id]):
            state = "follows"
        elif state == "done":
            state = "cached"  # it has looked, and that led to nothing new
        if state in ("runs", "follows"):
            running.add(node.id)
        yield Component(node, state, why)


def _in_detail(components: list[Component], workspace: WorkspaceState, keys: Sequence[str]) -> list[Component]:
    """Says what the metadata cannot: how many images of a folder are new, and which keys of the file changed."""

    def why(each: Component) -> str:
        if each.state == "runs" and each.node.id.startswith(f"{INGEST}."):
            return _news(each.node.lane, workspace) or each.why
        own = [key for key in keys if key.split(".")[0] in (each.node.lane, "ingest", "data_gate", "seed")]
        return each.why.replace(causes.CONFIGURATION, f"{', '.join(own)} changed") if own else each.why

    return [dataclasses.replace(each, why=why(each)) for each in components]


def _changed_keys(config: Config) -> list[str]:
    """The keys that the newest run of this pipeline, whose configuration is known, had other values for."""
    for run in Store(config.workspace).runs(config.name):
        if recorded := configuration.recorded(run):
            return [each.key for each in configuration.changes(recorded, config.described())]
    return []


def _news(lane: str, workspace: WorkspaceState) -> str:
    """In words what is new in a folder since it was last read; nothing when that is unknown."""
    new = workspace.unseen_since_last(lane)
    if new is None:
        return ""
    return f"{number(new)} new image{'' if new == 1 else 's'}" if new else "files were removed, moved or touched"
