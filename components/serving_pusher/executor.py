"""Gathers what belongs to a version and hands it to the registry, which is the one writer of the serving directory."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from easel_serving.models.saved_model import SavedModel
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import CANARY, Version
from easel_serving.registry.model_service import Tls
from easel_serving.registry.registry import Push, Registry
from easel_serving.registry.remote import Remote
from tfx.dsl.components.base import base_executor
from tfx.types import artifact, artifact_utils
from tfx.utils import path_utils

from components.base.executor import Artifacts, Parameters
from components.serving_pusher import attachments, data_digest, manifest, reading, thumbnails, warmup
from trainer.base import progress

FOLDERS = ("photos", "paintings")


class Executor(base_executor.BaseExecutor):
    """See `ServingPusher`."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Pushes; raises ValueError for a model that was not approved or that fails on its own warm-up requests."""
        name = exec_properties["model_name"]
        model = artifact_utils.get_single_instance(input_dict["model"])
        decision = _json(artifact_utils.get_single_instance(input_dict["decision"]), "decision.json")
        if not decision["approved"]:
            raise ValueError(
                f"{name}: the decision does not approve this model; put ServingPusher under Cond(approved)"
            )
        registry = Registry(
            exec_properties["serving_dir"],
            exec_properties["base_path"],
            signing_key=exec_properties["signing_key"] or None,
            on_wait=lambda who: progress.report(waiting=who.removeprefix("waiting ")),
        )
        done = _push(registry, model, decision, input_dict, exec_properties)
        # An unchanged version, too: the server may not have heard of an earlier push.
        warnings = _tell(exec_properties["server"], exec_properties["server_tls"], registry)
        stable = registry.stable(name)
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        _describe(pushed, done, stable.number if stable else None, warnings)
        progress.report(version=done.version.number, outcome=done.outcome)


def _push(
    registry: Registry, model: artifact.Artifact, decision: dict[str, Any], inputs: Artifacts, properties: Parameters
) -> Push:
    """Gathers what belongs to a version, and pushes it."""
    saved_model = Path(path_utils.serving_model_path(model.uri))
    name, description, tflite = properties["model_name"], _json(model, "model.json"), _only(inputs, "tflite")
    loaded = SavedModel(saved_model)
    shown = reading.first(inputs["examples"], "eval", warmup.COUNT)
    requests = warmup.requests(loaded.signature_defs, name, description, shown)
    warmup.check(loaded, requests)
    loaded.close()
    document = manifest.build(
        description=description,
        decision=decision,
        tflite=_json(tflite, "tflite.json") if tflite else [],
        signatures=manifest.signatures(loaded.signature_defs),
        data={folder: _data(inputs, folder) for folder in FOLDERS},
        lineage=json.loads(properties["lineage"]),
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        attachments.write(folder, description, Path(tflite.uri) if tflite else None, document["tflite"])
        thumbnails.write(folder, description, *(_images(inputs, part) for part in FOLDERS))
        for part in FOLDERS:
            if statistics := _only(inputs, f"{part}_statistics"):
                attachments.write_statistics(folder, part, Path(statistics.uri))
        return registry.push(
            name,
            saved_model,
            document,
            attachments=folder,
            warmup=warmup.serialize(requests),
            policy=_policy(properties["policy"], decision),
            why="; ".join(decision["reasons"]),
        )


def _describe(pushed: artifact.Artifact, done: Push, stable: int | None, warnings: list[str]) -> None:
    """Fills the PushedModel artifact."""
    version = done.version
    pushed.set_int_custom_property("pushed", 1)
    pushed.set_string_custom_property("pushed_destination", str(version.path))
    pushed.set_string_custom_property("pushed_version", str(version.number))
    summary = {
        "outcome": done.outcome,
        "version": version.number,
        "stable": stable,
        "path": str(version.path),
        "labels": list(version.labels),
        "warnings": [*_waiting(version, stable), *warnings],
    }
    Path(pushed.uri, "pushed.json").write_text(json.dumps(summary, indent=2))


def _policy(policy: str, decision: dict[str, Any]) -> str:
    """A version that was approved provisionally is a canary, unless a person decides on every version anyway."""
    return "provisional" if decision.get("provisional") and policy != "manual" else policy


def _waiting(version: Version, stable: int | None) -> list[str]:
    """Says of a version that does not serve what does, and how to let it serve."""
    if stable == version.number:
        return []
    what = "is the canary" if CANARY in version.labels else "does not serve"
    serving = f"version {stable} serves" if stable else "no version serves"
    command = f"easel models promote {version.model} {version.number}"
    return [f"version {version.number} {what}; {serving} until `{command}`"]


def _tell(server: str, tls: str, registry: Registry) -> list[str]:
    """Has a running TensorFlow Serving follow; a version that is pushed stays so when the server cannot be told."""
    try:
        if server:
            Remote(server, tls=Tls(**json.loads(tls))).announce(registry.root)
    except ServingError as error:
        return [str(error)]
    return []


def _data(input_dict: dict[str, list], folder: str) -> dict[str, Any]:
    """What the manifest says about one folder of images; empty without its channels."""
    report, schema = _only(input_dict, f"{folder}_report"), _only(input_dict, f"{folder}_schema")
    facts: dict[str, Any] = {"report": _json(report, "report.json")} if report else {}
    if input_dict.get(folder):
        facts["digest"] = data_digest.of_examples(input_dict[folder])
    if schema:
        facts["schema_digest"] = data_digest.of_file(Path(schema.uri, "schema.pbtxt"))
    return facts


def _images(input_dict: dict[str, list], folder: str) -> Iterator[tf.train.Example]:
    """The ingested images of one folder, those kept for evaluation first; none without its channel."""
    examples = input_dict.get(folder) or []
    splits = reading.splits(examples) if examples else []
    for split in sorted(splits, key=lambda split: split != "eval"):
        yield from reading.of_split(examples, split)


def _only(input_dict: dict[str, list], key: str) -> artifact.Artifact | None:
    return artifact_utils.get_single_instance(input_dict[key]) if input_dict.get(key) else None


def _json(source: artifact.Artifact, name: str) -> Any:
    return json.loads(Path(source.uri, name).read_text())
