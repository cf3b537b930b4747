"""Folders of images inside one another: what is told before a photo counts as a painting, or a painting as a class."""

import os
from pathlib import Path

from components.image_folder_example_gen.sources import layouts, remote, spans
from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import LAYOUTS, data_folders

_PAINTINGS = "style.paintings"


def warnings(config: Config) -> list[str]:
    """A line for each input whose images another one reads, too, where one is of photos and one of paintings.

    Args:
        config: the configuration; its folders exist.
    """
    inputs = config.inputs()
    said = []
    for key in inputs:
        for inner, outer in ((_PAINTINGS, key), (key, _PAINTINGS)):
            if key == _PAINTINGS or _PAINTINGS not in inputs or _place(inputs[key]) == _place(inputs[_PAINTINGS]):
                continue
            if what := _read_as(_place(inputs[inner]), outer, config):
                said.append(
                    f"{inner}: lies inside {outer}, so that its images count as {what} there, too; move it out of it"
                )
    return said


def _place(folder: str) -> bytes:
    return os.fsencode(os.path.realpath(spans.base(folder)))


def _read_as(inner: bytes, outer: str, config: Config) -> str:
    """What images in a folder count as for the input `outer`; empty where it does not read them."""
    root = config.inputs()[outer]
    if remote.is_remote(root) or not layouts.contains(_place(root), inner):
        return ""
    lane = next(lane for lane, folder in data_folders(config).items() if folder == root)
    found = layouts.configured(root, config.ingest, LAYOUTS.get(lane, "auto"))
    for folder in found:
        hidden = any(layouts.is_hidden(os.fsencode(part)) for part in _below(folder.path, inner))
        if folder.deep and not folder.misplaced and layouts.contains(folder.path, inner) and not hidden:
            return f"photos of a class {folder.label}" if folder.label else outer.split(".")[1]
    return ""


def _below(folder: bytes, inner: bytes) -> tuple[str, ...]:
    one, other = Path(os.fsdecode(inner)), Path(os.fsdecode(folder))
    return one.relative_to(other).parts if one.is_relative_to(other) else ()
