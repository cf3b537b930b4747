"""Where a workspace stands before a run, read in seconds and without TFX: what is new, what serves, since when."""

import datetime
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from easel_serving.registry.directory import Directory, Version

from components.image_folder_example_gen.inspection import threads
from components.image_folder_example_gen.sources import layouts, listing, storage
from components.image_folder_example_gen.sources.fingerprint import fingerprint
from components.image_folder_example_gen.vocabulary.files import Source
from components.image_folder_example_gen.vocabulary.reasons import Unusable
from components.image_folder_example_gen.whole_folder import ledger, report
from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import LAYOUTS, data_folders, gated_parts
from pipeline.history.records import Execution, Run
from pipeline.history.store import Store
from pipeline.planning.triggers import Facts

TRAINERS = {"classifier": "Trainer.classifier", "style": "StyleTrainer.style"}
"""What makes the candidate of each model's lane."""
GATES = ("DriftBaseline", "DistributionValidator", "DataGate")
"""Components in a model's lane that only look at its data."""


@dataclass(frozen=True)
class Folder:
    """A data lane's folder now, and how the last complete ingest left it."""

    fingerprint: str
    last: Execution | None

    @property
    def changed(self) -> bool:
        """Whether a file has come, gone or changed since; True when nothing was read yet."""
        return self.last is None or self.last.properties.get("fingerprint") != self.fingerprint


class WorkspaceState:
    """Asks the folders, the workspace's metadata and the serving directory; each question once."""

    def __init__(self, config: Config):
        self._config = config
        self._store = Store(config.workspace)

    @functools.cached_property
    def folders(self) -> Mapping[str, Folder]:
        """By data lane."""
        found = {}
        for lane, folder in data_folders(self._config).items():
            executions = self._store.executions(self._config.name, f"ImageFolderExampleGen.{lane}")
            last = next((each for each in reversed(executions) if each.finished), None)
            found[lane] = Folder(fingerprint(folder, self._config.ingest, LAYOUTS.get(lane, "auto")), last)
        return found

    def reports(self) -> dict[str, report.Report]:
        """What the last complete ingest found in each input folder, by key (`classifier.photos`), if it is kept."""
        kept = {
            folder: report.read(str(self.folders[lane].last.output("report").folder))
            for lane, folder in data_folders(self._config).items()
            if self.folders[lane].last and _kept(self.folders[lane].last)
        }
        return {key: kept[folder] for key, folder in self._config.inputs().items() if folder in kept}

    def version(self, model: str) -> int | None:
        """The version of a model (`classifier` or `style`) that serves."""
        stable = self._stable(model)
        return stable.number if stable else None

    def facts(self, model: str, now: datetime.datetime | None = None) -> Facts:
        """What is known about a model without reading its data: all but drift."""
        stable = self._stable(model)
        age = None
        if stable and (created := stable.manifest.get("created")):
            now = now or datetime.datetime.now(datetime.timezone.utc)
            age = (now - datetime.datetime.fromisoformat(created)).total_seconds()
        new = self._new_images(model) if self._config.when and self._config.when.new_images else {}
        return Facts(version=stable.number if stable else None, age=age, new_images=new)

    def _stable(self, model: str) -> Version | None:
        return Directory(self._config.serving).stable(getattr(self._config, model).name)

    def _new_images(self, model: str) -> dict[str, int] | None:
        trained = self._trained(model)
        if trained is None:
            return None
        found = {}
        for (lane, part), data in gated_parts(self._config).items():
            if lane != model:
                continue
            ingest = trained.execution(f"ImageFolderExampleGen.{data}")
            if ingest is None or not _kept(ingest):
                return None
            same = ingest.properties.get("fingerprint") == self.folders[data].fingerprint
            found[part] = 0 if same else self.unseen(data, ingest)
        return found

    def _trained(self, model: str) -> Run | None:
        """The newest run that came to a trained candidate, from the cache or anew."""
        for summary in self._store.runs(self._config.name):
            run = self._store.run(summary.id)
            trainer = run.execution(TRAINERS[model])
            if trainer and trainer.finished:
                return run
        return None

    def unseen_since_last(self, lane: str) -> int | None:
        """`unseen` since the last complete ingest of a folder that changed; None when that is not to be known."""
        folder = self.folders[lane]
        return self.unseen(lane, folder.last) if folder.changed and folder.last and _kept(folder.last) else None

    def unseen(self, lane: str, ingest: Execution) -> int:
        """How many files of a data lane have contents that an earlier ingest did not see; copies count once.

        What it rejected has no digest in its ledger, and is known by name and size.
        """
        seen = {sha256 for path in ledger.files(ingest.output("ledger").uri) for sha256, _ in ledger.read(path)}
        with open(ingest.output("report").folder / report.REJECTED, encoding="utf-8") as lines:
            rejected = {(each["path"], each["size"]) for each in map(json.loads, lines)}
        options = self._config.ingest
        parts = layouts.folders(
            data_folders(self._config)[lane], LAYOUTS.get(lane, "auto"), options.follow_links, options.spans
        )
        files = (each for part in parts for each in listing.walk(part, options.follow_links))
        sources = (each for each in files if isinstance(each, Source) and (each.name, each.size) not in rejected)
        digest = functools.partial(_digest, most=options.max_bytes)
        with threads.Pool() as pool:
            return len({each for each in threads.ordered(pool, digest, sources) if each and each not in seen})


def _kept(ingest: Execution) -> bool:
    """Whether the files that `unseen` reads are still there."""
    return all((found := ingest.output(key)) and found.folder.is_dir() for key in ("ledger", "report"))


def _digest(source: Source, most: int) -> str | None:
    try:
        return hashlib.sha256(storage.read(source.path, most)).hexdigest()
    except Unusable:
        return None
