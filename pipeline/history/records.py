"""What ML Metadata remembers, as plain values: a run, the executions of its nodes, and the artifacts between them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["running", "done", "failed", "cached", "canceled", "unknown"]
FINISHED: tuple[State, ...] = ("done", "cached")

VERDICT = "EaselDataVerdict"
"""The type of a data gate's verdict, `components.artifacts.types.DataVerdict`, which takes TFX to import."""


@dataclass(frozen=True)
class Artifact:
    """`live` is False once retention has removed its files; `properties` holds custom properties, too."""

    id: int
    type: str
    uri: str
    live: bool
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where its files are, or were."""
        return Path(self.uri)


@dataclass(frozen=True)
class Execution:
    """One node of one run.

    `run` is the run's id, `node` the node's without the pipeline's name; `started` counts seconds since
    the epoch, `seconds` until the last update; `properties` are TFX's execution properties.
    """

    id: int
    run: str
    node: str
    state: State
    started: float
    seconds: float
    properties: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, tuple[Artifact, ...]] = field(default_factory=dict)
    outputs: Mapping[str, tuple[Artifact, ...]] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether its outputs are there."""
        return self.state in FINISHED

    @property
    def stopped(self) -> bool:
        """Whether it is a data gate that did not let the data through."""
        outputs = [artifact for artifacts in self.outputs.values() for artifact in artifacts]
        return any(each.type == VERDICT and not each.properties["passed"] for each in outputs)

    def input(self, key: str) -> Artifact | None:
        """The first artifact of an input channel."""
        return next(iter(self.inputs.get(key, ())), None)

    def output(self, key: str) -> Artifact | None:
        """The first artifact of an output channel."""
        return next(iter(self.outputs.get(key, ())), None)


@dataclass(frozen=True)
class Run:
    """A run with what `recorder` wrote about it and its executions in the order in which they started."""

    id: str
    pipeline: str
    started: float
    properties: Mapping[str, Any] = field(default_factory=dict)
    executions: tuple[Execution, ...] = ()

    @property
    def errors(self) -> dict[str, str]:
        """What the failed nodes said, in one line, by node id."""
        said = json.loads(self.properties.get("errors", "{}"))
        failed = [each.node for each in self.executions if each.state == "failed"]
        return {node: "failed; the log says why" for node in failed} | said

    @property
    def finished(self) -> bool:
        """False of a run that still runs, or was killed. Of those before there was a recorder, the nodes tell."""
        if "configuration" in self.properties:
            return "finished" in self.properties
        return all(each.state != "running" for each in self.executions)

    @property
    def seconds(self) -> float:
        """How long it took, or how far it got: from the moment the command was given, where that was recorded."""
        ends = [each.started + each.seconds for each in self.executions]
        end = float(self.properties.get("finished", max(ends, default=self.started)))
        return end - float(self.properties.get("began", self.started))

    @property
    def untrained(self) -> Mapping[str, Mapping[str, Any]]:
        """Why models were not trained, by lane: `{"classifier": {"version": 3, "reason": ".."}}`."""
        return json.loads(self.properties.get("untrained", "{}"))

    def execution(self, node: str) -> Execution | None:
        """The last execution of a node; None when the run did not get there."""
        return next((each for each in reversed(self.executions) if each.node == node), None)
