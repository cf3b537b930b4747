"""A version's two folders under temporary names, complete and on the disk before they appear by one rename.

What a manifest says of the files is told from what was to be pushed, not from the copies: whoever can write the serving
directory could have changed those before they are looked at, and they would be signed.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import card, files, signing
from easel_serving.registry.directory import MANIFEST, MANIFESTS, PICTURES, read_pictures
from easel_serving.registry.files import Hashes


def contents(saved_model: Path, warmup: bytes) -> Hashes:
    """The files of a version that is to be made of a SavedModel and its warm-up requests."""
    found = files.hashes(saved_model)
    return {**found, files.WARMUP: files.entry(warmup)} if warmup else found


def model(folder: Path, saved_model: Path, warmup: bytes, wanted: Hashes) -> Path:
    """A copy of a SavedModel with its warm-up requests, in the model's folder.

    Raises:
        ServingError: it is not what is `wanted`: a file was changed, or was copied wrongly.
    """
    (folder / MANIFESTS).mkdir(parents=True, exist_ok=True)
    staged = files.temporary(folder)
    shutil.copytree(saved_model, staged, copy_function=shutil.copyfile)
    if warmup:
        path = staged / files.WARMUP
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(warmup)
    _require(files.hashes(staged), wanted, saved_model)
    files.sync_tree(staged)
    return staged


def manifest(folder: Path, document: Mapping[str, Any], attachments: str | Path | None, key: Path | None) -> Path:
    """A manifest with its card and its attachments, signed where there is a private key, in the model's folder.

    Raises:
        ServingError: an attachment was changed while it was copied, or the key cannot be read.
    """
    staged = files.temporary(folder / MANIFESTS)
    wanted: Hashes = {}
    if attachments is None:
        staged.mkdir()
    else:
        wanted = files.hashes(Path(attachments))
        shutil.copytree(attachments, staged, copy_function=shutil.copyfile)
        _require(files.hashes(staged), wanted, attachments)
    pictures = {shown: [f"{PICTURES}/{name}" for name in names] for shown, names in read_pictures(staged).items()}
    text = card.render(document, pictures).encode()
    (staged / "card.md").write_bytes(text)
    entries = dict(sorted({**wanted, "card.md": files.entry(text)}.items()))
    write(staged, {**document, "attachments": entries}, key)
    files.sync_tree(staged)
    return staged


def write(folder: Path, document: Mapping[str, Any], key: Path | None) -> None:
    """Replaces the manifest in `folder`, and its signature where there is a private key; else that goes."""
    content = json.dumps(document, indent=2).encode()
    files.remove(folder / signing.SIGNATURE)
    files.write(folder / MANIFEST, content)
    if key is not None:
        sign(folder, content, key)


def sign(folder: Path, manifest: bytes, key: Path) -> None:
    """Puts the signature of a manifest's bytes beside it."""
    files.write(folder / signing.SIGNATURE, signing.signature(manifest, key))


def _require(found: Hashes, wanted: Hashes, source: str | Path) -> None:
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            raise ServingError(f"{Path(source, name)}: changed while it was copied; push again")
