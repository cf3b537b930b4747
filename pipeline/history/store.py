"""Reads ML Metadata with plain SQL: in milliseconds, beside a run that writes, and without TFX.

Not with `ml_metadata`'s own store, which everything is written with: importing it takes half a second, more than most
commands that read need in all, and it has no question for the nodes of many executions at once (a run of 25 components
takes it 39 ms, and 2 ms here). The tables are MLMD's own (schema version 10, the one of every release since 1.5 that
both stacks pin; a test writes with `ml_metadata` and reads here). A question is one short transaction: SQLite's readers
keep writers waiting.
"""

import dataclasses
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pipeline.history.records import Artifact, Execution, Run, State
from trainer.base.errors import UserError

FILE = "metadata.sqlite"
SCHEMA_VERSION = 10
_INPUT, _OUTPUT, _LIVE, _DONE = 3, 4, 2, 3  # Event.INPUT and .OUTPUT, Artifact.LIVE, Execution.COMPLETE of MLMD
_STATES: Mapping[int, State] = {1: "running", 2: "running", 3: "done", 4: "failed", 5: "cached", 6: "canceled"}
_MOST = 900
"""SQLite before 3.32 takes no more than 999 variables in a statement."""


class Store:
    """The metadata of one workspace. Every method asks anew, so that a reader sees what a running run has added."""

    def __init__(self, workspace: Path | str):
        self.workspace = Path(workspace)
        self._database = self.workspace / FILE

    @property
    def exists(self) -> bool:
        """Whether anything ever ran in this workspace."""
        return self._database.is_file()

    def runs(self, pipeline: str | None = None) -> tuple[Run, ...]:
        """All runs, the newest first, without their executions."""
        return self._runs() if pipeline is None else self._runs(" AND p.name = ?", (pipeline,))

    def run(self, run_id: str) -> Run | None:
        """A run with its executions; None when there is none of this name. Reads this run alone."""
        found = self._runs(" AND r.name = ?", (run_id,))
        return dataclasses.replace(found[0], executions=self._executions("pipeline_run", run_id)) if found else None

    def execution(self, number: int) -> Execution:
        """One execution by its id, which is there."""
        with self._reading() as query:
            [found] = _load(query, [number])
        return found

    def executions(self, pipeline: str, node: str) -> tuple[Execution, ...]:
        """Every execution of a node in all runs, in the order in which they started."""
        return self._executions("node", f"{pipeline}.{node}") if self.exists else ()

    def latest(self, pipeline: str, node: str, artifact_type: str) -> Path | None:
        """The folder of the newest artifact that a node put out and that is still there."""
        made = [
            artifact
            for execution in self.executions(pipeline, node)
            for artifacts in execution.outputs.values()
            for artifact in artifacts
            if artifact.type == artifact_type and artifact.live
        ]
        return max(made, key=lambda artifact: artifact.id).folder if made else None

    def producers(self, artifacts: Iterable[int]) -> tuple[Execution, ...]:
        """The executions that made artifacts, those that only took them from the cache not among them."""
        with self._reading() as query:
            ids = _in(
                query,
                "SELECT DISTINCT v.execution_id FROM Event v JOIN Execution e ON e.id = v.execution_id"
                f" WHERE v.type = {_OUTPUT} AND e.last_known_state = {_DONE} AND v.artifact_id IN ({{}})",
                sorted(set(artifacts)),
            )
            return _load(query, sorted(id for (id,) in ids))

    def _runs(self, condition: str = "", values: Sequence[Any] = ()) -> tuple[Run, ...]:
        if not self.exists:
            return ()
        with self._reading() as query:
            rows = query(
                "SELECT r.id, r.name, p.name, r.create_time_since_epoch FROM Context r JOIN Type t ON t.id = r.type_id"
                " LEFT JOIN ParentContext l ON l.context_id = r.id LEFT JOIN Context p ON p.id = l.parent_context_id"
                f" WHERE t.name = 'pipeline_run'{condition} ORDER BY r.id DESC",
                values,
            )
            properties = _properties(query, "Context", [row[0] for row in rows])
        return tuple(Run(name, owner or "", made / 1000, properties[id]) for id, name, owner, made in rows)

    def _executions(self, context_type: str, context: str) -> tuple[Execution, ...]:
        with self._reading() as query:
            ids = query(
                "SELECT a.execution_id FROM Context c JOIN Type t ON t.id = c.type_id JOIN Association a"
                " ON a.context_id = c.id WHERE t.name = ? AND c.name = ? ORDER BY a.execution_id",
                (context_type, context),
            )
            return _load(query, [id for (id,) in ids])

    @contextmanager
    def _reading(self) -> Iterator["_Query"]:
        # Not mode=ro: that cannot roll back what a killed run left half written, and would refuse to read at all.
        address = f"{self._database.resolve().as_uri()}?mode=rw"
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=10, isolation_level=None)) as connection:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                [(version,)] = connection.execute("SELECT schema_version FROM MLMDEnv")
                if version != SCHEMA_VERSION:
                    raise UserError(
                        f"{self._database}: has ML Metadata's schema version {version}, not {SCHEMA_VERSION};"
                        " read it with the version of Easel that wrote it"
                    )
                yield lambda statement, values=(): connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise UserError(f"{self._database}: cannot be read: {error}") from error


class _Query:
    """Runs a statement and returns all rows."""

    def __call__(self, statement: str, values: Sequence[Any] = ()) -> list[tuple]: ...


def _in(query: _Query, statement: str, values: Sequence[int]) -> list[tuple]:
    """Runs a statement with one `IN ({})` over values of any number."""
    parts = (values[start : start + _MOST] for start in range(0, len(values), _MOST))
    return [row for part in parts for row in query(statement.format(",".join("?" * len(part))), part)]


def _load(query: _Query, ids: Sequence[int]) -> tuple[Execution, ...]:
    """Executions with all that belongs to them."""
    rows = _in(
        query,
        "SELECT id, last_known_state, create_time_since_epoch, last_update_time_since_epoch FROM Execution"
        " WHERE id IN ({}) ORDER BY id",
        ids,
    )
    names = {
        (id, kind): name
        for id, kind, name in _in(
            query,
            "SELECT a.execution_id, t.name, c.name FROM Association a JOIN Context c ON c.id = a.context_id"
            " JOIN Type t ON t.id = c.type_id WHERE a.execution_id IN ({})",
            ids,
        )
    }
    links = _in(
        query,
        "SELECT v.execution_id, v.type, s.step_key, v.artifact_id FROM Event v JOIN EventPath s ON s.event_id"
        " = v.id WHERE s.is_index_step = 0 AND v.execution_id IN ({}) ORDER BY v.execution_id, v.id",
        ids,
    )
    artifacts = _artifacts(query, sorted({artifact for *_, artifact in links}))
    properties = _properties(query, "Execution", ids)
    ends: dict[tuple[int, int], dict[str, list[Artifact]]] = defaultdict(lambda: defaultdict(list))
    for execution, kind, key, artifact in links:
        ends[execution, kind][key].append(artifacts[artifact])
    return tuple(
        Execution(
            id=id,
            node=names.get((id, "node"), "").removeprefix(f"{names.get((id, 'pipeline'))}."),
            run=names.get((id, "pipeline_run"), ""),
            state=_STATES.get(state, "unknown"),
            started=made / 1000,
            seconds=(updated - made) / 1000,
            properties=properties[id],
            inputs={key: tuple(each) for key, each in ends[id, _INPUT].items()},
            outputs={key: tuple(each) for key, each in ends[id, _OUTPUT].items()},
        )
        for id, state, made, updated in rows
    )


def _properties(query: _Query, owner: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Properties and custom properties of contexts, executions or artifacts."""
    found: dict[int, dict[str, Any]] = {id: {} for id in ids}
    key = f"{owner.lower()}_id"
    for id, name, *values in _in(
        query,
        f"SELECT {key}, name, int_value, double_value, string_value, bool_value FROM {owner}Property"
        f" WHERE {key} IN ({{}}) ORDER BY is_custom_property DESC",
        ids,
    ):
        found[id][name] = next((value for value in values if value is not None), None)
    return found


def _artifacts(query: _Query, ids: Sequence[int]) -> dict[int, Artifact]:
    properties = _properties(query, "Artifact", ids)
    rows = _in(
        query,
        "SELECT a.id, t.name, a.uri, a.state FROM Artifact a JOIN Type t ON t.id = a.type_id WHERE a.id IN ({})",
        ids,
    )
    return {id: Artifact(id, kind, uri or "", state == _LIVE, properties[id]) for id, kind, uri, state in rows}
