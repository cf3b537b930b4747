"""Is there room for the run, and may it write: asked before the work starts, for a full disk costs the night."""

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.image_folder_example_gen.sources import layouts, listing
from components.image_folder_example_gen.vocabulary.files import Source
from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import LAYOUTS, data_folders, gated_parts
from trainer.base.errors import UserError
from trainer.networks.backbone_table import find

_COPY = 1.1
"""Ingested Examples over the bytes of the files: most keep their bytes, and gain a few hundred of description."""
_MODEL = 300e6
"""Bytes that a model's lane leaves behind: the candidate, the champion's copy, TFLite variants, evaluations."""
_VERSION = 100e6
"""Bytes of a pushed version."""
_ALWAYS = 50e6
"""Bytes of metadata, logs and reports."""


@dataclass(frozen=True)
class Volume:
    """How much a folder holds."""

    files: int
    bytes: int


def measure(config: Config, lanes: Collection[str]) -> dict[str, Volume]:
    """The files that ingest would read, for some of the data lanes; nothing is opened."""
    options = config.ingest
    found = {}
    for lane in lanes:
        folder = data_folders(config)[lane]
        sizes = [
            each.size
            for part in layouts.folders(folder, LAYOUTS.get(lane, "auto"), options.follow_links, options.spans)
            for each in listing.walk(part, options.follow_links)
            if isinstance(each, Source)
        ]
        found[lane] = Volume(len(sizes), sum(sizes))
    return found


def need(config: Config, volumes: Mapping[str, Volume]) -> int:
    """About how many bytes a run of `config` writes when these data lanes are new and nothing comes from the cache."""
    tensors = {lane: 0 for lane in volumes}
    for (model, _), lane in gated_parts(config).items():
        if lane in volumes:
            tensors[lane] += volumes[lane].files * 3 * _side(config, model) ** 2  # uint8 [S, S, 3]
    data = sum(volume.bytes * _COPY + tensors[lane] for lane, volume in volumes.items())
    models = len({model for (model, _), lane in gated_parts(config).items() if lane in volumes})
    return int(_ALWAYS + data + models * _MODEL)


def check(config: Config, volumes: Mapping[str, Volume]) -> None:
    """Raises a UserError that names the folder when a run could not write there, or not to its end."""
    required = need(config, volumes)
    if faults := unwritable(config):
        raise UserError(f"{faults[0]}; nothing was started")
    workspace = _existing(config.workspace)
    _room(config.workspace, workspace, required)
    serving = _existing(config.serving)
    if volumes and serving.stat().st_dev != workspace.stat().st_dev:
        _room(config.serving, serving, int(_VERSION))


def unwritable(config: Config) -> list[str]:
    """A line for each folder or file that a run must write and could not; nothing is left behind by the attempt."""
    faults: dict[Path, str] = {}
    places = [("workspace", config.workspace), ("workspace", config.workspace / "artifacts")]
    for key, folder in (*places, ("serving", config.serving)):
        existing = _existing(folder)
        if existing not in faults and (why := _refusal(existing)):
            faults[existing] = f"{key}: {folder} cannot be written: {why}; choose another folder, or make it writable"
    database = config.workspace / "metadata.sqlite"
    if not faults and database.exists() and not os.access(database, os.W_OK):
        faults[database] = f"workspace: {database} cannot be written; make it writable"
    return list(faults.values())


def _refusal(folder: Path) -> str:
    """Why nothing can be written into a folder that exists, empty where it can: asked by doing, as root is told yes."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"{error.strerror or error}".lower()


def _room(folder: Path, existing: Path, required: int) -> None:
    free = shutil.disk_usage(existing).free
    if free < required:
        raise UserError(
            f"{folder}: {_size(free)} are free and the run needs about {_size(required)}; nothing was started"
            " (`easel gc CONFIG` removes what old runs left)"
        )


def _side(config: Config, model: str) -> int:
    """Pixels of the side of what Transform stores for each image of a model."""
    if model == "style":
        return config.style.image.train_side
    return config.classifier.image.size or find(config.classifier.backbone.name).image_size


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if os.path.exists(each))


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
