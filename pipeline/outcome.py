"""Reads from MLMD and from the artifacts what a run came to: the verdicts decide, not what was printed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from easel_serving.registry import Registry
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from pipeline.config import Config
from pipeline.lane_runner import Trace
from pipeline.results import ModelResult
from pipeline.snapshot import gated_parts

PUSHED, UNCHANGED = "pushed", "unchanged"
_FILES = 3
"""Files named in one line."""


class Outputs:
    """The output artifacts of a run's executions, by node id and key."""

    def __init__(self, workspace: Path, trace: Trace):
        self._store = MetadataStore(metadata.sqlite_metadata_connection_config(str(workspace / "metadata.sqlite")))
        self._trace = trace

    def artifact(self, node_id: str, key: str) -> metadata_store_pb2.Artifact | None:
        """The first artifact of an output; None when the node did not run to its end or put nothing out."""
        execution = self._trace.executions.get(node_id)
        if execution is None:
            return None
        events = self._store.get_events_by_execution_ids([execution])
        wanted = [
            event.artifact_id
            for event in events
            if event.type == metadata_store_pb2.Event.OUTPUT and event.path.steps[0].key == key
        ]
        return self._store.get_artifacts_by_id(wanted)[0] if wanted else None

    def folder(self, node_id: str, key: str) -> Path | None:
        """Where an output's files are."""
        artifact = self.artifact(node_id, key)
        return Path(artifact.uri) if artifact else None

    def document(self, node_id: str, key: str, name: str) -> Any:
        """The parsed JSON file `name` of an output; {} when there is none."""
        folder = self.folder(node_id, key)
        path = folder and folder / name
        return json.loads(path.read_text()) if path and path.is_file() else {}


def model_results(config: Config, trace: Trace, outputs: Outputs) -> tuple[ModelResult, ...]:
    """One result for each lane of the configuration."""
    parts = gated_parts(config)
    return tuple(
        _model(config, lane, {part: of for (model, part), of in parts.items() if model == lane}, trace, outputs)
        for lane in dict.fromkeys(model for model, _ in parts)
    )


def _model(config: Config, lane: str, data: Mapping[str, str], trace: Trace, outputs: Outputs) -> ModelResult:
    name = getattr(config, lane).name
    facts: dict[str, Any] = {
        "name": name,
        "lane": lane,
        "data": {key: _counts(outputs, folder) for key, folder in data.items()},
    }
    gates = {key: outputs.document(f"DataGate.{lane}.{key}", "verdict", "verdict.json") for key in data}
    findings = [(key, finding) for key, verdict in gates.items() for finding in verdict.get("findings", [])]
    facts["warnings"] = tuple(f"{key}: {_told(f)}" for key, f in findings if f["action"] == "warn")
    owners = {lane, *data.values()}
    failed = [node for node in trace.errors if node.split(".")[1] in owners]
    if failed:
        return ModelResult(
            outcome="failed", reasons=tuple(f"{node}: {one_line(trace.errors[node])}" for node in failed), **facts
        )
    if not all(verdict.get("passed") for verdict in gates.values()):
        stopping = [(key, f) for key, f in findings if f["action"] == "stop"]
        fixes = [line for verdict in gates.values() if not verdict.get("passed") for line in verdict["how_to_fix"]]
        kinds = {f["kind"] for _, f in stopping}
        reasons = tuple(f"{key}: {_told(f)}" for key, f in stopping)
        reasons += tuple(dict.fromkeys(line for line in fixes if line.split(":")[0] in kinds))
        return ModelResult(outcome="stopped", reasons=reasons, **facts)
    facts["tflite"] = tuple(outputs.document(f"TFLiteExporter.{lane}", "tflite", "tflite.json") or ())
    stable = Registry(config.serving).stable(name)
    champion = outputs.document(f"Champion.{lane}", "verdict", "champion.json")
    if not champion.get("changed", True):
        reasons = (f"the data, the configuration and the code are those of version {stable.number}, which serves",)
        return ModelResult(outcome=UNCHANGED, version=stable.number, reasons=reasons, **facts)
    decision = outputs.document(f"PromotionGate.{lane}", "decision", "decision.json")
    facts |= {
        "metrics": decision["metrics"],
        "checks": tuple(decision["checks"]),
        "reasons": tuple(decision["reasons"]),
    }
    if not decision["approved"]:
        return ModelResult(outcome="rejected", version=stable.number if stable else None, **facts)
    pushed = outputs.document(f"ServingPusher.{lane}", "pushed_model", "pushed.json")
    facts["warnings"] += tuple(pushed["warnings"])
    if pushed["outcome"] == "refilled":
        facts["warnings"] += (f"the serving directory had lost version {pushed['version']}; it was put back",)
        return ModelResult(outcome=UNCHANGED, version=pushed["version"], **facts)
    if pushed["outcome"] == UNCHANGED:
        return ModelResult(outcome=UNCHANGED, version=pushed["stable"], **facts)
    return ModelResult(outcome=pushed["outcome"], version=pushed["version"], **facts)


def _counts(outputs: Outputs, folder: str) -> dict[str, int]:
    artifact = outputs.artifact(f"ImageFolderExampleGen.{folder}", "report")
    keys = ("seen", "examples", "rejected", "duplicates", "ignored")
    return {key: artifact.properties[key].int_value for key in keys} if artifact else {}


def _told(finding: Mapping[str, Any]) -> str:
    """A finding of the gate with some of its files: the verdict and the data page name ten."""
    files = finding["files"]
    if not files:
        return finding["message"]
    more = finding["images"] - len(files[:_FILES])
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{finding['message']} ({', '.join(files[:_FILES])}{rest})"


def one_line(error: BaseException) -> str:
    """The first line of an exception's message, or its type when it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
