"""What the world outside looked like when a run began: everything that the DAG's cache keys need to know about it."""

import importlib.metadata
import json
import platform
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easel_serving.registry.directory import Version

from components.champion.key import champion_key
from components.image_folder_example_gen.sources.fingerprint import fingerprint
from components.image_folder_example_gen.whole_folder.ledger import Ledger, load
from components.schema_source.contract import schema_key
from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import LAYOUTS, data_folders, gated_parts, schema_files
from pipeline.history import baselines
from pipeline.history.store import Store

PACKAGES = ("tfx", "tensorflow", "keras", "apache-beam", "tensorflow-transform", "tensorflow-model-analysis", "easel")


@dataclass(frozen=True)
class Snapshot:
    """Facts read once, before the pipeline is built, so that building it stays a pure function.

    Attributes:
        folders: digest of the names, sizes and times of the files, by folder.
        schemas: cache key of each schema file, by file (see `schema_key`).
        ledgers: the latest split ledger of each data lane that has one.
        previous: folders of statistics of earlier data, the newest first, by data lane (see `baselines`).
        trained_on: the folder with the statistics of the serving version's data, or none, by lane and part.
        tuned: what the last search of the classifier's lane found, by key under `classifier.train`; None without one.
        champions: cache key of the version that serves, by model name; "" when none does.
        nonce: different in every run, for the components that must never be served from cache.
        provenance: commit, packages and processor, for the manifest.
    """

    folders: Mapping[str, str]
    schemas: Mapping[str, str]
    ledgers: Mapping[str, Ledger]
    previous: Mapping[str, Sequence[str]]
    trained_on: Mapping[tuple[str, str], Sequence[str]]
    tuned: Mapping[str, Any] | None
    champions: Mapping[str, str]
    nonce: str
    provenance: Mapping[str, object]


def take(config: Config) -> Snapshot:
    """Reads the folders, the schema files and the serving directory that a run of `config` starts from."""
    names = [lane.name for lane in (config.classifier, config.style) if lane]
    parts = gated_parts(config)
    folders = {
        lane: fingerprint(folder, config.ingest, LAYOUTS.get(lane, "auto"))
        for lane, folder in data_folders(config).items()
    }
    return Snapshot(
        folders={folder: folders[lane] for lane, folder in data_folders(config).items()},
        schemas={path: schema_key(path) for path in schema_files(config).values()},
        ledgers=latest_ledgers(config),
        previous={
            lane: baselines.previous(
                config.workspace,
                config.name,
                lane,
                state,
                [f"DataGate.{model}.{part}" for (model, part), of in parts.items() if of == lane],
            )
            for lane, state in folders.items()
        },
        trained_on={
            (model, part): baselines.champion(config.serving, getattr(config, model).name, part)
            for model, part in parts
        },
        tuned=latest_tuned(config) if config.classifier and config.classifier.tuner.reuse else None,
        champions={name: champion_key(str(config.serving), name) for name in names},
        nonce=uuid.uuid4().hex,
        provenance={
            "commit": _commit(),
            "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
            "python": platform.python_version(),
            "machine": platform.machine(),
        },
    )


def latest_ledgers(config: Config) -> dict[str, Ledger]:
    """The split ledger that the last complete ingest of each data lane left in the workspace's metadata."""
    found = {}
    for lane in data_folders(config):
        folder = Store(config.workspace).latest(config.name, f"ImageFolderExampleGen.{lane}", "EaselSplitLedger")
        ledger = load(str(folder)) if folder else None
        if ledger:
            found[lane] = ledger
    return found


def latest_tuned(config: Config) -> dict[str, Any] | None:
    """The best values that the last complete search of this workspace found."""
    folder = Store(config.workspace).latest(config.name, "Tuner.classifier", "HyperParameters")
    file = folder and folder / "best_hyperparameters.txt"
    return json.loads(file.read_text())["values"] if file and file.is_file() else None


def eval_split(versions: Sequence[Version]) -> Path | None:
    """The newest eval photos of the workspace that the newer version came from; None when one of these is gone."""
    if not all(version.present for version in versions):
        return None
    newer = max(versions, key=lambda version: version.number)
    configuration = newer.manifest.get("lineage", {}).get("configuration", {})
    if newer.manifest.get("kind") != "classifier" or not {"workspace", "name"} <= set(configuration):
        return None
    store = Store(configuration["workspace"])
    examples = store.latest(configuration["name"], "ImageFolderExampleGen.photos", "Examples")
    split = examples and examples / "Split-eval"
    return split if split and split.is_dir() else None


def _commit() -> str:
    """The commit of the checkout that runs, `-dirty` when files differ from it; the version when it is no checkout."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "easel " + importlib.metadata.version("easel")
    return described.stdout.strip()
