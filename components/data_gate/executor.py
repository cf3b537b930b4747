"""The work of DataGate."""

import dataclasses
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.artifacts import statistics
from components.base.executor import Artifacts, Parameters
from components.data_gate import culprits, findings, shift
from components.data_gate.options import GateOptions
from components.image_folder_example_gen.whole_folder import report, splits
from components.schema_source import contract

VERDICT = "verdict.json"
AGAINST = {"previous": "the data before", "champion": "the serving version's data"}
"""What the data are compared with, by the prefix of the channels."""


class Executor(base_executor.BaseExecutor):
    """Judges the data. It succeeds whatever it finds: the verdict stops the lane, an exception would stop the run."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Writes `verdict.json` and sets the property `passed`."""
        uris = {name: artifact_utils.get_single_uri(found) for name, found in input_dict.items() if found}
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
            _shifts(uris),
        )
        rejected = _rejected(uris["report"])
        named = [
            dataclasses.replace(each, files=rejected, images=account.rejected)
            if each.kind in ("rejected", "no_images")
            else each
            for each in culprits.name(found, uris["examples"], splits.NAMES)
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


def _shifts(uris: Mapping[str, str]) -> Iterator[shift.Shift]:
    """The comparisons that were made: a baseline is missing in the first run, a comparison where a split is empty."""
    train, evaluation = (_summary(uris["statistics"], split) for split in splits.NAMES)
    skew = _comparison(uris["skew"], "eval", "train")
    if skew:
        yield shift.Shift("skew", "train", evaluation, train, skew)
    for name, against in AGAINST.items():
        drift = f"{name}_baseline" in uris and _comparison(uris[f"{name}_drift"], "train", "train")
        if drift:
            yield shift.Shift("drift", against, train, _summary(uris[f"{name}_baseline"], "train"), drift)


def _comparison(uri: str, split: str, with_split: str) -> anomalies_pb2.Anomalies | None:
    path = Path(uri, f"SplitPair-{split}_{with_split}", "SchemaDiff.pb")
    return anomalies_pb2.Anomalies.FromString(path.read_bytes()) if path.exists() else None


def _summary(uri: str, split: str) -> shift.Summary:
    dataset = statistics.read(uri, split)
    return shift.Summary(int(dataset.num_examples), statistics.labels(dataset), statistics.deciles(dataset))


def _rejected(uri: str) -> tuple[str, ...]:
    with open(os.path.join(uri, report.REJECTED), encoding="utf-8") as file:
        return tuple(json.loads(line)["path"] for line in itertools.islice(file, culprits.WORST))
