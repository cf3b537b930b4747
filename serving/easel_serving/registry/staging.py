"""A version's two folders under temporary names, complete and on the disk before they appear by one rename."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from easel_serving.registry import card, files, signing
from easel_serving.registry.directory import MANIFEST, MANIFESTS, PICTURES, read_pictures


def model(folder: Path, saved_model: Path, warmup: bytes) -> Path:
    """A copy of a SavedModel with its warm-up requests, in the model's folder."""
    (folder / MANIFESTS).mkdir(parents=True, exist_ok=True)
    staged = files.temporary(folder)
    shutil.copytree(saved_model, staged, copy_function=shutil.copyfile)
    if warmup:
        path = staged / files.WARMUP
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(warmup)
    files.sync_tree(staged)
    return staged


def manifest(folder: Path, document: Mapping[str, Any], attachments: str | Path | None, key: Path | None) -> Path:
    """A manifest with its card and its attachments, signed where there is a private key, in the model's folder."""
    staged = files.temporary(folder / MANIFESTS)
    if attachments is None:
        staged.mkdir()
    else:
        shutil.copytree(attachments, staged, copy_function=shutil.copyfile)
    pictures = {shown: [f"{PICTURES}/{name}" for name in names] for shown, names in read_pictures(staged).items()}
    (staged / "card.md").write_text(card.render(document, pictures))
    (staged / MANIFEST).write_text(json.dumps({**document, "attachments": files.hashes(staged)}, indent=2))
    if key is not None:
        sign(staged, key)
    files.sync_tree(staged)
    return staged


def sign(folder: Path, key: Path) -> None:
    """Puts the signature of the manifest in `folder` beside it."""
    files.write(folder / signing.SIGNATURE, signing.signature((folder / MANIFEST).read_bytes(), key))
