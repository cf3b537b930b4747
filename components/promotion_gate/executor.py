"""The work of PromotionGate: reads the evidence, writes the decision."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.promotion_gate import bootstrap
from components.promotion_gate.decide import CHAMPION, TRIVIAL, Evidence, Policy, decide
from components.tflite_exporter.files import read_verdicts
from trainer import evaluation as results
from trainer import progress
from trainer.rules import Direction, Rules

DECISION = "decision.json"


class Executor(base_executor.BaseExecutor):
    """Decides. It succeeds whatever it decides: the property `approved` holds the lane back."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `decision.json` and sets the property `approved`."""
        uris = {name: artifact_utils.get_single_uri(artifacts) for name, artifacts in input_dict.items()}
        policy = Policy(
            rules=TypeAdapter(Rules).validate_json(exec_properties["rules"]),
            directions=json.loads(exec_properties["metrics"]),
            trivial_name=exec_properties["trivial_name"],
            required_variants=json.loads(exec_properties["required_variants"]),
        )
        evidence = Evidence(
            measured=results.read_metrics(uris["evaluation"]),
            trivial=results.read_metrics(uris["trivial_evaluation"])[results.CANDIDATE],
            blessed=_blessed(uris["blessing"]),
            gains=_gains(uris, policy.directions),
            failures=results.read_failures(uris["evaluation"]),
            tflite=read_verdicts(uris["tflite"]),
        )
        answer = decide(policy, evidence)
        decision = artifact_utils.get_single_instance(output_dict["decision"])
        folder = Path(decision.uri)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / DECISION).write_text(text, encoding="utf-8")
        decision.approved = int(answer["approved"])
        progress.report(approved="yes" if answer["approved"] else "no", why=answer["reasons"][0])


def _blessed(uri: str) -> bool | None:
    """What the Evaluator left in the folder of its blessing; it leaves nothing when it had no thresholds."""
    if Path(uri, constants.BLESSED_FILE_NAME).exists():
        return True
    return False if Path(uri, constants.NOT_BLESSED_FILE_NAME).exists() else None


def _gains(uris: dict[str, str], directions: Mapping[str, Direction]) -> dict[str, dict[str, np.ndarray]]:
    """`Evidence.gains` of an evaluation in which each example's own outcomes were collected."""
    candidate = results.read_outcomes(uris["evaluation"])
    others = {
        TRIVIAL: results.read_outcomes(uris["trivial_evaluation"]),
        CHAMPION: results.read_outcomes(uris["evaluation"], results.CHAMPION),
    }
    return {
        name: {
            metric: bootstrap.gains(candidate, other, metric, direction)
            for metric, direction in directions.items()
            if metric in candidate.dtype.names
        }
        for name, other in others.items()
        if candidate is not None and other is not None
    }
