"""Whether a version can be loaded, as far as its files tell: asked before a label moves to it."""

import re
from collections.abc import Iterator
from pathlib import Path

from easel_serving.registry import verify
from easel_serving.registry.directory import PICTURES, Version

_SHARD = re.compile(r"variables\.data-(\d+)-of-(\d+)")
_NOT_LOADED = ("card.md", PICTURES, "statistics")
"""What lies beside a manifest for people, not for programs that load the model."""


def fault(version: Version) -> str | None:
    """What is wrong with a version, in words that name the file; None when nothing is.

    A version that was pushed must be as it was pushed. One without a manifest, copied by hand, must have what its
    `saved_model.pb` needs.
    """
    if version.retired is not None:
        return "was retired"
    if version.damage:
        return f"cannot be relied on: manifest damaged: {version.damage}"
    if not version.present:
        return "has lost its folder"
    if "files" in version.manifest:
        return next(_differences(version), None)
    return next(_missing(version.path), None)


def _differences(version: Version) -> Iterator[str]:
    root = version.path.parent.parent
    manifests = version.manifest_dir.relative_to(root)
    for finding in verify.differences(root, version):
        path = Path(finding.path)
        shown = path.is_relative_to(manifests) and path.relative_to(manifests).parts[0] in _NOT_LOADED
        if not shown and (finding.kind != "foreign" or root / path == version.path):
            yield f"is not as it was pushed: {root / path} is {finding.kind}"


def _missing(path: Path) -> Iterator[str]:
    from easel_serving.protocol import messages  # protocol buffers are 0.1 s

    try:
        saved = messages.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    except messages.DecodeError:
        yield f"is not complete: {path / 'saved_model.pb'} is no SavedModel, or only a part of one"
        return
    graphs = saved.meta_graphs
    if not graphs:
        yield f"is not complete: {path / 'saved_model.pb'} has no graph"
    for graph in graphs:
        for asset in graph.asset_file_def:
            if not (path / "assets" / asset.filename).is_file():
                yield f"is not complete: {path / 'assets' / asset.filename} is missing"
    variables = path / "variables"
    # TensorFlow 1 wrote no variables for a graph that has none, and no objects; TensorFlow 2 always writes both.
    if variables.exists() or any(graph.object_graph_def for graph in graphs):
        if not (variables / "variables.index").is_file():
            yield f"is not complete: {variables / 'variables.index'} is missing"
        shards = {match.groups() for each in _names(variables) if (match := _SHARD.fullmatch(each))}
        # The numbers are from names of files, however large: they are counted, never counted up to.
        totals, places = {int(total) for _, total in shards}, {int(place) for place, _ in shards}
        if totals != {len(shards)} or places != set(range(len(shards))):
            yield f"is not complete: {variables} lacks files called variables.data-*"


def _names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()] if folder.is_dir() else []
