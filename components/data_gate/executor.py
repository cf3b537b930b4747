"""The work of DataGate."""

import dataclasses
import itertools
import json
import os
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components import statistics
from components.data_gate import culprits, findings
from components.data_gate.options import GateOptions
from components.image_folder_example_gen import report, splits
from components.schema_source import contract

VERDICT = "verdict.json"


class Executor(base_executor.BaseExecutor):
    """Judges the data. It succeeds whatever it finds: the verdict stops the lane, an exception would stop the run."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `verdict.json` and sets the property `passed`."""
        uris = {name: artifact_utils.get_single_uri(artifacts) for name, artifacts in input_dict.items()}
        account = report.read(uris["report"])
        path = Path(uris["schema"], "schema.pbtxt")
        schema = contract.parse(path.read_text(encoding="utf-8"), path)
        found = findings.find(
            account,
            {split: statistics.labels(statistics.read(uris["statistics"], split)) for split in splits.NAMES},
            schema,
            {split: _anomalies(uris["anomalies"], split) for split in splits.NAMES},
            GateOptions.model_validate_json(exec_properties["options"]),
            bool(exec_properties["needs_classes"]),
        )
        files = culprits.find(found, schema, uris["examples"], splits.NAMES)
        rejected = _rejected(uris["report"])
        named = [
            dataclasses.replace(
                each, files=rejected if each.kind in ("rejected", "no_images") else files.get(each.feature, ())
            )
            for each in found
        ]
        verdict = artifact_utils.get_single_instance(output_dict["verdict"])
        source = artifact_utils.get_single_instance(input_dict["schema"]).get_string_custom_property(
            contract.PATH_PROPERTY
        )
        answer = findings.verdict(named, source)
        os.makedirs(verdict.uri, exist_ok=True)
        Path(verdict.uri, VERDICT).write_text(json.dumps(answer, indent=2), encoding="utf-8")
        verdict.passed = int(answer["passed"])


def _anomalies(uri: str, split: str) -> anomalies_pb2.Anomalies:
    return anomalies_pb2.Anomalies.FromString(Path(uri, f"Split-{split}", "SchemaDiff.pb").read_bytes())


def _rejected(uri: str) -> tuple[str, ...]:
    with open(os.path.join(uri, report.REJECTED), encoding="utf-8") as file:
        return tuple(json.loads(line)["path"] for line in itertools.islice(file, culprits.WORST))
