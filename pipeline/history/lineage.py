"""Where a served version came from, step by step back to the folders; and which versions saw a photo."""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easel_serving.registry.directory import Directory, Version

from components.image_folder_example_gen.whole_folder import ledger
from pipeline.history import examples
from pipeline.history.records import Artifact, Execution
from pipeline.history.store import Store
from trainer.base.errors import UserError

PARTS = ("photos", "paintings")
_PUSHER = "ServingPusher"


@dataclass(frozen=True)
class Step:
    """One component's work that the version rests on; `folder` is what it read from outside, empty for most."""

    id: int
    node: str
    run: str
    seconds: float
    code: str
    folder: str


@dataclass(frozen=True)
class Edge:
    """An artifact on its way from one step to another, by their ids."""

    source: int
    target: int
    artifact: str
    uri: str
    live: bool


@dataclass(frozen=True)
class Lineage:
    """Of one version; `data`, `metrics` and `provenance` are its manifest's, the steps and edges MLMD's.

    `run` is the run that pushed it, None when its workspace's metadata are gone: then there are no steps.
    """

    model: str
    version: int
    created: str
    digest: str
    run: str | None
    data: Mapping[str, Any]
    metrics: Mapping[str, Any]
    configuration: Mapping[str, Any]
    provenance: Mapping[str, Any]
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Sighting:
    """A version that was trained or evaluated with a photo; `labels` are its labels in the serving directory now.

    `split` is `train` or `eval`; `unknown` when retention removed the images but the ledger remembers the photo.
    """

    model: str
    version: int
    run: str
    part: str
    split: str
    labels: tuple[str, ...]


def of_version(version: Version, workspace: Path | None = None) -> Lineage:
    """The way back from a version.

    The workspace that it was made in is the one that its manifest names, unless another is given.

    Raises:
        UserError: it has no manifest of Easel's.
    """
    manifest = version.manifest
    recorded = manifest.get("lineage")
    if not recorded:
        raise UserError(f"{version.model} version {version.number}: was not pushed by Easel, nothing is known of it")
    configuration = recorded["configuration"]
    store = Store(workspace or configuration["workspace"])
    pusher = next(
        (each for each in _pushes(store, configuration["name"]) if _pushed(each) == (version.model, version.number)),
        None,
    )
    steps, edges = _ancestry(store, pusher) if pusher else ((), ())
    return Lineage(
        model=version.model,
        version=version.number,
        created=manifest["created"],
        digest=version.digest,
        run=pusher.run if pusher else None,
        data=manifest["data"],
        metrics=manifest["metrics"],
        configuration=configuration,
        provenance={key: value for key, value in recorded.items() if key != "configuration"},
        steps=steps,
        edges=edges,
    )


def of_photo(store: Store, photo: Path) -> tuple[Sighting, ...]:
    """The versions that saw a file, by its content: renamed and moved copies count, resized ones do not.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{photo}: cannot be read: {error.strerror}") from error
    found: dict[int, str | None] = {}
    sightings: dict[tuple[str, int, str], Sighting] = {}
    for pipeline in dict.fromkeys(run.pipeline for run in store.runs()):
        for push in _pushes(store, pipeline):
            model, number = _pushed(push)
            for part in PARTS:
                data = push.input(part)
                if data is None:
                    continue
                if data.id not in found:
                    found[data.id] = _split(store, data, digest)
                if found[data.id]:
                    labels = Directory(push.properties["serving_dir"]).labels(model)
                    named = tuple(label for label, of in labels.items() if of == number)
                    sighting = Sighting(model, number, push.run, part, found[data.id], named)
                    sightings.setdefault((model, number, part), sighting)
    return tuple(sightings.values())


def _pushes(store: Store, pipeline: str) -> Iterator[Execution]:
    """The executions that pushed a version, the oldest first; the first of a version is the one that made it."""
    for lane in ("classifier", "style"):
        yield from (each for each in store.executions(pipeline, f"{_PUSHER}.{lane}") if _pushed(each))


def _pushed(push: Execution) -> tuple[str, int] | None:
    artifact = push.output("pushed_model")
    version = artifact.properties.get("pushed_version") if artifact else None
    return (push.properties["model_name"], int(version)) if version else None


def _split(store: Store, data: Artifact, digest: str) -> str | None:
    """The split of an Examples artifact that a photo is in."""
    [ingest] = store.producers([data.id])
    kept = ingest.output("ledger")
    remembered = kept.uri if kept and kept.folder.is_dir() else ""
    if remembered and not any(digest == known for path in ledger.files(remembered) for known, _ in ledger.read(path)):
        return None  # what no run up to this one has seen need not be looked for among the images
    if data.folder.is_dir():
        return examples.split_of(data.folder, digest)
    return "unknown" if remembered else None


def _ancestry(store: Store, last: Execution) -> tuple[tuple[Step, ...], tuple[Edge, ...]]:
    """All that an execution rests on, in the order in which it ran."""
    known, edges, front = {last.id: last}, [], [last]
    makers: dict[int, Execution] = {}
    while front:
        wanted = {artifact.id for execution in front for artifact in _inputs(execution)} - set(makers)
        for maker in store.producers(wanted):
            makers |= {artifact.id: maker for artifacts in maker.outputs.values() for artifact in artifacts}
        following = {}
        for execution in front:
            for artifact in _inputs(execution):
                maker = makers.get(artifact.id)
                if maker:
                    edges.append(Edge(maker.id, execution.id, artifact.type, artifact.uri, artifact.live))
                    following |= {} if maker.id in known else {maker.id: maker}
        known |= following
        front = list(following.values())
    return tuple(_step(known[id]) for id in sorted(known)), tuple(dict.fromkeys(edges))


def _inputs(execution: Execution) -> list[Artifact]:
    """What an execution reads; the channels of TFX's conditions begin with an underscore."""
    return [each for key, artifacts in execution.inputs.items() if not key.startswith("_") for each in artifacts]


def _step(execution: Execution) -> Step:
    code, folder = (execution.properties.get(key, "") for key in ("code", "input_base"))
    return Step(execution.id, execution.node, execution.run, round(execution.seconds, 1), code, folder)
