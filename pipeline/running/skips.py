"""Holds back the nodes of a model that there is no reason to train; its data are read and validated all the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import gated_parts
from pipeline.history.store import Store
from pipeline.history.verdicts import Outputs, gates
from pipeline.planning.preflight import no_reason
from pipeline.planning.triggers import Decision
from pipeline.planning.workspace_state import GATES, WorkspaceState

if TYPE_CHECKING:  # it takes TFX to import
    from pipeline.running.lane_runner import Trace

_DRIFT = ("label_drift", "measure_drift")


class Skips:
    """The decisions of a run; those that wait for the data gates are made when the first node behind them comes up."""

    def __init__(self, config: Config, decisions: Mapping[str, Decision]):
        self._config = config
        self._decisions = dict(decisions)
        self._workspace = WorkspaceState(config)

    def wanted(self, node_id: str, trace: Trace) -> bool:
        """Whether a node is to run; `trace` has what happened to those before it."""
        component, lane, *_ = node_id.split(".")
        if lane not in self._decisions or component in GATES:
            return True
        if self._decisions[lane].train is None:
            self._decisions[lane] = self._look(lane, self._decisions[lane], trace)
        return bool(self._decisions[lane].train)

    def untrained(self) -> dict[str, str]:
        """What the run's memory keeps of models that were not trained (`Run.untrained`): why, and what serves."""
        kept = {
            lane: {"version": self._workspace.version(lane), "reason": no_reason(decision)}
            for lane, decision in self._decisions.items()
            if not decision.train
        }
        return {"untrained": json.dumps(kept)} if kept else {}

    def _look(self, lane: str, decision: Decision, trace: Trace) -> Decision:
        parts = [part for model, part in gated_parts(self._config) if model == lane]
        verdicts = gates(lane, parts, Outputs(Store(self._config.workspace).run(trace.run_id)))
        drift = [
            f"{part}: {finding['message']}"
            for part, verdict in verdicts.items()
            for finding in verdict.get("findings", ())
            if finding["kind"] in _DRIFT
        ]
        return decision.after_looking(drift)
