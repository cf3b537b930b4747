"""Recognises, in a second and without TFX, a run that would change nothing: nothing that it depends on has changed.

TFX takes ten seconds to import and to ask its cache what this module knows from one digest. It is sure of it only where
a run has shown it: the digest of all that a run starts from is noted in the run's memory when it is the same at its
end. Such a run found everything in the cache and left the world as it was, and so would every other until something
changes. Whatever is in doubt is left to TFX: a run that failed, an artifact that is gone.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import easel_serving

import components
import pipeline
import trainer
from pipeline.configuration.config import Config
from pipeline.history import story
from pipeline.history.records import Run
from pipeline.history.result import RunResult
from pipeline.history.store import Store
from pipeline.history.verdicts import Outputs, model_results
from pipeline.planning import snapshot
from pipeline.planning.snapshot import Snapshot
from pipeline.planning.triggers import Decision
from pipeline.progress.events import Node
from pipeline.running.dry_run_report import Component

_NOTE = "settled"
_ROOMS = (pipeline, components, trainer, easel_serving)
_CODE = (".py", ".html", ".css", ".pbtxt")
_OPEN = ("pushed", "failed", "unfinished")
"""Outcomes after which another run may come to something else."""


@dataclass(frozen=True)
class Settled:
    """The last run, whose outcome stands, and what became of each component in it."""

    run: Run
    components: tuple[Component, ...]

    def result(self, config: Config) -> RunResult:
        """What a run of `config` comes to."""
        files = story.files(config.workspace, self.run)
        return RunResult(
            run_id=self.run.id,
            models=model_results(config, Outputs(self.run)),
            seconds=0.0,
            serving=config.serving,
            sheet=files.get("contact sheet"),
            data_page=files.get("data page"),
            report=files.get("report"),
        )


def find(config: Config, decided: Mapping[str, Decision]) -> Settled | None:
    """The last run of this pipeline, where another one would come to the same and leave everything as it is."""
    store = Store(config.workspace)
    runs = store.runs(config.name)
    note = json.loads(runs[0].properties.get(_NOTE, "{}")) if runs else {}
    if not note or note["digest"] != digest(config, snapshot.take(config), decided):
        return None
    run = store.run(runs[0].id)
    made = (each for execution in run.executions for of in execution.outputs.values() for each in of)
    if not all(artifact.live and artifact.folder.exists() for artifact in made):
        return None
    return Settled(run, tuple(Component(Node(*node), state) for *node, state in note["components"]))


def note(
    config: Config,
    world: Snapshot,
    decided: Mapping[str, Decision],
    result: RunResult,
    nodes: Sequence[Node],
    states: Mapping[str, str],
) -> dict[str, str]:
    """What the run's memory is to keep so that `find` knows it again; nothing when another run may come to more.

    `states` are what became of all `nodes`, as in `lane_runner.Trace`.
    """
    if any(model.outcome in _OPEN for model in result.models):
        return {}
    before, after = (digest(config, each, decided) for each in (world, snapshot.take(config)))
    if before != after:
        return {}
    # What has looked, and found nothing, would not run for anything new.
    cached = {"done": "cached"}
    kept = [(each.id, each.lane, each.title, cached.get(states[each.id], states[each.id])) for each in nodes]
    return {_NOTE: json.dumps({"digest": before, "components": kept})}


def digest(config: Config, world: Snapshot, decided: Mapping[str, Decision]) -> str:
    """SHA-256 (hex) of all that a run depends on: configuration, folders, metadata, what serves, packages and code."""
    facts = {
        "config": config.model_dump_json(by_alias=True),
        "world": asdict(replace(world, nonce="", provenance={}, trained_on={}, ledgers={})),
        "trained_on": sorted((*part, *of) for part, of in world.trained_on.items()),
        "ledgers": {lane: each.uri for lane, each in world.ledgers.items()},
        "packages": world.provenance["packages"],
        "decided": {lane: asdict(decision) for lane, decision in decided.items()},
        "serving": sorted(_serving(config)),
    }
    total = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for room in _ROOMS:
        folder = Path(room.__file__).parent
        for path in sorted(folder.rglob("*")):
            if path.suffix in _CODE:
                total.update(str(path.relative_to(folder)).encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _serving(config: Config) -> Iterator[tuple[str, int, int]]:
    """Every file that is served or that describes it: one that was lost is put back by a run."""
    names = {lane.name for lane in (config.classifier, config.style) if lane}
    for path in config.serving.rglob("*"):
        inside = path.relative_to(config.serving)
        if (len(inside.parts) == 1 or inside.parts[0] in names) and path.is_file():
            status = path.stat()
            yield str(inside), status.st_size, status.st_mtime_ns
