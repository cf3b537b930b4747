"""The work of PromotionGate: reads the evidence, writes the decision."""

import importlib
import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.base.executor import Artifacts, Parameters
from components.promotion_gate.decide import Evidence, Policy, decide
from components.tflite_exporter.files import read_verdicts
from trainer.base import progress
from trainer.evaluation import evaluator as results
from trainer.evaluation.rules import Rules

DECISION = "decision.json"


class Executor(base_executor.BaseExecutor):
    """Decides. It succeeds whatever it decides: the property `approved` holds the lane back."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Writes `decision.json` and sets the property `approved`."""
        uris = {name: artifact_utils.get_single_uri(artifacts) for name, artifacts in input_dict.items()}
        lane = importlib.import_module(exec_properties["module_path"])
        reported = _reported(uris.get("model"), lane.REPORTED)
        directions = {**lane.METRICS, **{name: lane.REPORTED[name] for name in reported}}
        rules = TypeAdapter(Rules).validate_json(exec_properties["rules"])
        policy = Policy(
            rules={name: rule for name, rule in rules.items() if name in directions},
            directions=directions,
            reported=tuple(reported),
            decisive=lane.DECISIVE,
            required_variants=json.loads(exec_properties["required_variants"]),
            **json.loads(exec_properties["wording"]),
        )
        evaluation = results.read(uris["evaluation"])
        candidate = {**evaluation.measured[results.CANDIDATE], **reported}
        measured = {
            **evaluation.measured,
            results.CANDIDATE: candidate,
            "slices": {**evaluation.measured["slices"], **lane.slices(evaluation)},
        }
        evidence = Evidence(
            measured=measured,
            trivials=lane.trivials(results.read(uris["trivial_evaluation"])),
            blessed=_blessed(uris["blessing"]),
            outcomes=evaluation.outcomes(),
            champion_outcomes=evaluation.outcomes(results.CHAMPION),
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


def _reported(model: str | None, known: Iterable[str]) -> dict[str, float]:
    """What the training measured of the candidate itself."""
    if model is None:
        return {}
    description = json.loads(Path(model, "model.json").read_text(encoding="utf-8"))
    return {name: value for name, value in description.get("metrics", {}).items() if name in known}


def _blessed(uri: str) -> bool | None:
    """What the Evaluator left in the folder of its blessing; it leaves nothing when it had no thresholds."""
    if Path(uri, constants.BLESSED_FILE_NAME).exists():
        return True
    return False if Path(uri, constants.NOT_BLESSED_FILE_NAME).exists() else None
