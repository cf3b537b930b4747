"""Which artifacts of old runs nobody needs any more, and their removal. The metadata of all runs stay.

Needed is what the next run may take from the cache: everything of the runs that hold the newest finished execution of
some component, and the earlier statistics that data are compared with. So is what explains and could restore a version
that has a label: everything of the run that pushed it. Of other pushed versions only the small documents are kept:
reports, ledgers, statistics, schemas and verdicts. That holds for every model of every configuration that ran in the
workspace. A version in the serving directory is complete in itself.
"""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from easel_serving.registry.directory import Directory, Version

from components.image_folder_example_gen.whole_folder import ledger
from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import data_folders, gated_parts
from pipeline.history import baselines, configuration
from pipeline.history.records import Artifact, Run
from pipeline.history.store import FILE, Store
from pipeline.planning.workspace_state import TRAINERS, WorkspaceState

DOCUMENTS = frozenset(
    {"EaselIngestReport", "EaselSplitLedger", "EaselDataVerdict", "EaselDecision", "EaselChampionVerdict"}
    | {"ExampleStatistics", "ExampleAnomalies", "Schema", "ModelEvaluation", "ModelBlessing"}
)
"""Types of artifacts that are a few files of text or numbers, and say how a version came about."""
RUNS = 100
"""Runs whose logs and pages are kept; those of needed runs are kept besides."""


@dataclass(frozen=True)
class Leftover:
    """A file or folder to remove: what it belongs to, and how large it is."""

    path: Path
    owner: str
    bytes: int


def newest_of_each(runs: Iterable[Run]) -> dict[str, Run]:
    """The runs, by id, that hold the newest finished execution of some component."""
    found: dict[str, Run] = {}
    seen: set[tuple[str, str]] = set()
    for run in runs:
        nodes = {(run.pipeline, each.node) for each in run.executions if each.finished}
        if nodes - seen:
            found[run.id] = run
            seen |= nodes
    return found


def pushers(runs: Iterable[Run]) -> dict[str, Run]:
    """The newest run that pushed or refilled each version, by the version's folder as it was then; `runs` as above."""
    found: dict[str, Run] = {}
    for run in runs:
        for execution in run.executions:
            pushed = execution.output("pushed_model") if execution.finished else None
            if pushed and pushed.properties.get("pushed_destination"):
                found.setdefault(pushed.properties["pushed_destination"], run)
    return found


def found_again(pushed: Collection[str], versions: Iterable[Version]) -> dict[str, Version]:
    """The versions that are there, by the folder that they were pushed to.

    A serving directory may have been moved since, or be reached by another path: then the folder is gone, and a version
    of that model and number may be the one that was in it.
    """
    places = {os.path.realpath(folder): folder for folder in pushed}
    moved = {Path(folder).parts[-2:]: folder for real, folder in places.items() if not os.path.isdir(real)}
    found = {}
    for version in versions:
        folder = places.get(os.path.realpath(version.path)) or moved.get((version.model, str(version.number)))
        if folder:
            found[folder] = version
    return found


def needed(runs: Sequence[Run], labelled: Collection[str], present: Collection[str]) -> set[str]:
    """Addresses of the artifacts that are needed."""
    pushed = pushers(runs)
    whole = [*newest_of_each(runs).values(), *(pushed[each] for each in labelled if each in pushed)]
    kept = {artifact.uri for run in whole for artifact in artifacts(run)}
    described = (artifact for each in present if each in pushed for artifact in artifacts(pushed[each]))
    return kept | {artifact.uri for artifact in described if artifact.type in DOCUMENTS}


def artifacts(run: Run) -> Iterator[Artifact]:
    """All that the executions of a run read or wrote."""
    for execution in run.executions:
        for ends in (execution.inputs, execution.outputs):
            for found in ends.values():
                yield from found


class Retention:
    """What could be removed from the workspace of a configuration. The caller holds the workspace's lock."""

    def __init__(self, config: Config):
        self._config = config
        self._store = Store(config.workspace)
        self._root = config.workspace / "artifacts"
        self._runs = [run for each in self._store.runs() if (run := self._store.run(each.id))]

    def leftovers(self) -> list[Leftover]:
        """Everything that nobody needs, in the order of the names."""
        kept = self.kept()
        found = [self._leftover(path, path.relative_to(self._root).parts[0]) for path in self._folders(kept)]
        found += [self._leftover(path, "temporary files") for path in sorted(self._root.glob("*/.system/*/*"))]
        found += [self._leftover(path, "checkpoints") for path in self._checkpoints()]
        return found + [self._leftover(path, "logs and pages") for path in self._reports()]

    def kept(self) -> set[str]:
        """Addresses of the artifacts that stay."""
        pushed = pushers(self._runs)
        present = found_again(pushed, self._versions(pushed))
        labelled = {folder for folder, version in present.items() if version.labels}
        kept = needed(self._runs, labelled, present)
        books = [book for uri in kept if (book := ledger.load(uri))]
        return kept | {book.header.base for book in books} | set(self._baselines())

    def remove(self, leftovers: Iterable[Leftover]) -> None:
        """Removes them; artifacts are marked as deleted first, so that no run takes half of one for a whole."""
        found = list(leftovers)
        self._mark(each.path for each in found)
        for each in found:
            if each.path.is_dir() and not each.path.is_symlink():
                shutil.rmtree(each.path, ignore_errors=True)
            else:
                each.path.unlink(missing_ok=True)

    def _versions(self, pushed: Iterable[str]) -> Iterator[Version]:
        """Those of every model, in every serving directory that a run pushed to."""
        folders = {
            os.path.realpath(folder)
            for folder in (self._config.serving, *(Path(each).parent.parent for each in pushed))
        }
        for directory in map(Directory, sorted(folders)):
            for name in directory.models():
                yield from directory.versions(name)

    def _folders(self, kept: Collection[str]) -> list[Path]:
        """Folders of executions (`artifacts/NODE/CHANNEL/NUMBER`) that hold nothing needed; of killed ones, too."""
        stay = {parent for uri in kept for parent in (Path(uri), *Path(uri).parents)}
        found = sorted(self._root.glob("*/[!.]*/*"))
        return [path for path in found if path.name.isdecimal() and path not in stay]

    def _baselines(self) -> Iterator[str]:
        """Statistics that the data of the next run are compared with, whether or not its folder will have changed."""
        now = {lane: folder.fingerprint for lane, folder in WorkspaceState(self._config).folders.items()}
        newest = {run.pipeline: run for run in reversed(self._runs)}
        others = [configuration.restore(configuration.recorded(run)) for run in newest.values()]
        for config in (self._config, *(each for each in others if each and each.name != self._config.name)):
            parts = gated_parts(config)
            for lane in data_folders(config):
                gates = [f"DataGate.{model}.{part}" for (model, part), of in parts.items() if of == lane]
                reads = self._store.executions(config.name, f"ImageFolderExampleGen.{lane}")
                last = [each for each in reads if each.finished][-1:]
                states = {each.properties.get("fingerprint", "") for each in last}
                for state in states | ({now[lane]} if config is self._config else set()):
                    yield from baselines.previous(self._config.workspace, config.name, lane, state, gates)

    def _checkpoints(self) -> list[Path]:
        """Of trainings that were not taken up again: older than the last one that came to its end, for every model."""
        ends = []
        for node in TRAINERS.values():
            done = [each for run in self._runs for each in run.executions if each.node == node and each.state == "done"]
            ends += [max(each.started + each.seconds for each in done)] if done else []
        folders = [path for path in sorted((self._config.workspace / "resume").glob("*")) if path.is_dir()]
        return [path for path in folders if ends and _changed(path) < min(ends)]

    def _reports(self) -> list[Path]:
        """Logs and pages of old runs. What lies there and belongs to no run that is remembered is old by its time."""
        recent = self._runs[:RUNS]
        if len(recent) < RUNS:
            return []
        keep = {run.id for run in (*recent, *newest_of_each(self._runs).values(), *pushers(self._runs).values())}
        oldest = min(run.started for run in recent)
        logs = {run.properties.get("log") for run in self._runs if run.id in keep}
        found = [path for path in (self._config.workspace / "runs").glob("*") if path.name not in keep]
        found += [path for path in (self._config.workspace / "logs").glob("*.log") if str(path) not in logs]
        return sorted(path for path in found if _changed(path) < oldest)

    def _leftover(self, path: Path, owner: str) -> Leftover:
        return Leftover(path, owner, size(path))

    def _mark(self, paths: Iterable[Path]) -> None:
        gone = set(paths)
        known = {artifact.id: artifact for run in self._runs for artifact in artifacts(run) if artifact.live}
        ids = [each.id for each in known.values() if gone.intersection((each.folder, *each.folder.parents))]
        if not ids:
            return
        # Not at the top: half a second that a dry run need not wait for.
        from ml_metadata.metadata_store import MetadataStore
        from ml_metadata.proto import metadata_store_pb2

        connection = metadata_store_pb2.ConnectionConfig()
        connection.sqlite.filename_uri = str(self._config.workspace / FILE)
        store = MetadataStore(connection)
        marked = store.get_artifacts_by_id(ids)
        for artifact in marked:
            artifact.state = metadata_store_pb2.Artifact.DELETED
        store.put_artifacts(marked)


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum(os.lstat(Path(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)


def by_owner(leftovers: Iterable[Leftover]) -> Mapping[str, tuple[int, int]]:
    """How many and how many bytes, by owner."""
    found: dict[str, tuple[int, int]] = {}
    for each in leftovers:
        count, total = found.get(each.owner, (0, 0))
        found[each.owner] = count + 1, total + each.bytes
    return found


def _changed(path: Path) -> float:
    """When something in a folder changed last."""
    return max((each.lstat().st_mtime for each in (path, *path.rglob("*"))), default=0.0)
