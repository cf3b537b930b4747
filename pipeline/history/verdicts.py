"""Reads from MLMD and from the artifacts what a run came to: the verdicts decide, not what was printed."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from easel_serving.protocol.plain_paths import plain

from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import gated_parts
from pipeline.history.records import Artifact, Run
from pipeline.history.result import ModelResult
from trainer.evaluation.rules import UNSEEN

PUSHED, UNCHANGED = "pushed", "unchanged"
_FILES = 3
"""Files named in one line."""


class Outputs:
    """The output artifacts of a run's executions that came to their end, by node id and key."""

    def __init__(self, run: Run):
        self.run = run

    def artifact(self, node_id: str, key: str) -> Artifact | None:
        """The first artifact of an output; None when the node did not run to its end or put nothing out."""
        execution = self.run.execution(node_id)
        return execution.output(key) if execution and execution.finished else None

    def folder(self, node_id: str, key: str) -> Path | None:
        """Where an output's files are, for TensorFlow, too (see `plain`); None when retention removed them."""
        artifact = self.artifact(node_id, key)
        return Path(plain(artifact.folder)) if artifact and artifact.folder.is_dir() else None

    def document(self, node_id: str, key: str, name: str) -> Any:
        """The parsed JSON file `name` of an output; {} when there is none."""
        folder = self.folder(node_id, key)
        path = folder and folder / name
        return json.loads(path.read_text()) if path and path.is_file() else {}


def model_results(config: Config, outputs: Outputs) -> tuple[ModelResult, ...]:
    """One result for each lane of the configuration; the run may be long past, or not yet at its end."""
    parts = gated_parts(config)
    return tuple(
        _model(config, lane, {part: of for (model, part), of in parts.items() if model == lane}, outputs)
        for lane in dict.fromkeys(model for model, _ in parts)
    )


def _model(config: Config, lane: str, data: Mapping[str, str], outputs: Outputs) -> ModelResult:
    name = getattr(config, lane).name
    facts: dict[str, Any] = {
        "name": name,
        "lane": lane,
        "data": {key: _counts(outputs, folder) for key, folder in data.items()},
    }
    verdicts = gates(lane, data, outputs)
    findings = [(key, finding) for key, verdict in verdicts.items() for finding in verdict.get("findings", [])]
    facts["warnings"] = tuple(f"{key}: {_in_words(f)}" for key, f in findings if f["action"] == "warn")
    owners = {lane, *data.values()}
    failed = tuple(f"{node}: {line}" for node, line in outputs.run.errors.items() if node.split(".")[1] in owners)
    if failed:
        return ModelResult(outcome="failed", reasons=failed, **facts)
    if any(verdict and not verdict["passed"] for verdict in verdicts.values()):
        stopping = [(key, f) for key, f in findings if f["action"] == "stop"]
        fixes = [
            line for verdict in verdicts.values() if verdict and not verdict["passed"] for line in verdict["how_to_fix"]
        ]
        kinds = {f["kind"] for _, f in stopping}
        reasons = tuple(f"{key}: {_in_words(f)}" for key, f in stopping)
        reasons += tuple(dict.fromkeys(line for line in fixes if line.split(":")[0] in kinds))
        return ModelResult(outcome="stopped", reasons=reasons, **facts)
    if lane in outputs.run.untrained:
        skipped = outputs.run.untrained[lane]
        return ModelResult(outcome="skipped", version=skipped["version"], reasons=(skipped["reason"],), **facts)
    facts["tflite"] = tuple(outputs.document(f"TFLiteExporter.{lane}", "tflite", "tflite.json") or ())
    champion = outputs.document(f"Champion.{lane}", "verdict", "champion.json")
    stable = (champion.get("champion") or {}).get("version")
    if not champion.get("changed", True):
        reasons = (f"the data, the configuration and the code are those of version {stable}, which serves",)
        return ModelResult(outcome=UNCHANGED, version=stable, reasons=reasons, **facts)
    decision = outputs.document(f"PromotionGate.{lane}", "decision", "decision.json")
    if not decision:
        return ModelResult(outcome="unfinished", **facts)
    facts |= {
        "metrics": decision["metrics"],
        "checks": tuple(decision["checks"]),
        "reasons": tuple(decision["reasons"]),
        "unseen": decision.get("slices", {}).get(UNSEEN, {}).get("1", {}),
        "trivials": decision.get("trivials", {}),
        "provisional": decision.get("provisional", False),
    }
    facts["warnings"] += tuple(note for note in decision.get("notes", ()) if note not in facts["reasons"])
    if not decision["approved"]:
        return ModelResult(outcome="rejected", version=stable, **facts)
    pushed = outputs.document(f"ServingPusher.{lane}", "pushed_model", "pushed.json")
    if not pushed:
        return ModelResult(outcome="unfinished", **facts)
    facts["warnings"] += tuple(pushed["warnings"])
    if pushed["outcome"] == "refilled":
        facts["warnings"] += (f"the serving directory had lost version {pushed['version']}; it was put back",)
        return ModelResult(outcome=UNCHANGED, version=pushed["version"], **facts)
    if pushed["outcome"] == UNCHANGED:
        return ModelResult(outcome=UNCHANGED, version=pushed["stable"], **facts)
    return ModelResult(outcome=pushed["outcome"], version=pushed["version"], **facts)


def gates(lane: str, parts: Iterable[str], outputs: Outputs) -> dict[str, dict[str, Any]]:
    """What the data gates of a model lane said, by part (`photos`, `paintings`); {} of a gate that did not run."""
    return {part: outputs.document(f"DataGate.{lane}.{part}", "verdict", "verdict.json") for part in parts}


def _counts(outputs: Outputs, folder: str) -> dict[str, int]:
    artifact = outputs.artifact(f"ImageFolderExampleGen.{folder}", "report")
    keys = ("seen", "examples", "rejected", "duplicates", "ignored")
    return {key: artifact.properties[key] for key in keys} if artifact else {}


def _in_words(finding: Mapping[str, Any]) -> str:
    """A finding of the gate with some of its files: the verdict and the data page name ten."""
    files = finding["files"]
    if not files:
        return finding["message"]
    more = finding["images"] - len(files[:_FILES])
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{finding['message']} ({', '.join(files[:_FILES])}{rest})"
