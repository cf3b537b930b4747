"""A version as it was signed, out of the reach of those who can write the serving directory."""

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import signing
from easel_serving.registry.directory import MANIFEST, MANIFESTS

_CHUNK = 1 << 20


@contextlib.contextmanager
def signed_copy(path: Path, public_key: str | Path) -> Iterator[Path]:
    """A private copy of a version that holds, byte for byte, what the holder of the key signed, and nothing else.

    The copy is what is hashed, so that a file cannot be exchanged between the check and its use. It is removed at the
    end: what was loaded from it must need its files no more, or have them open.

    Yields:
        The copied version's folder, `<temporary>/<model>/<version>`, with its manifest where it belongs.

    Raises:
        ServingError: there is no valid signature, or a file differs from what was signed.
    """
    manifest_dir = path.parent / MANIFESTS / path.name
    content = _content(manifest_dir / MANIFEST)
    if not signing.vouches(content, _content(manifest_dir / signing.SIGNATURE), public_key):
        raise ServingError(f"{manifest_dir / MANIFEST}: not signed by the holder of {public_key}")
    if not signing.is_of(content, path.parent.name, path.name):
        raise ServingError(f"{manifest_dir / MANIFEST}: signed for another version; it vouches for nothing here")
    manifest = json.loads(content)
    with tempfile.TemporaryDirectory(prefix="easel-signed-") as folder:
        model = Path(folder, path.parent.name)
        _copy_all(path, model / path.name, manifest["files"])
        _copy_all(manifest_dir, model / MANIFESTS / path.name, manifest["attachments"])
        (model / MANIFESTS / path.name).mkdir(parents=True, exist_ok=True)
        (model / MANIFESTS / path.name / MANIFEST).write_bytes(content)
        yield model / path.name


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _copy_all(source: Path, target: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    for name, entry in entries.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ServingError(f"{source / name}: is signed, but lies elsewhere")
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        _copy(source / name, target / name, entry)


def _copy(source: Path, target: Path, entry: Mapping[str, Any]) -> None:
    """Copies no more than the bytes that are expected, and only of a file: links, pipes and devices are none."""
    digest, left = hashlib.sha256(), entry["bytes"]
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as original, open(target, "xb") as copy:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ServingError(f"{source}: is no file; it is not what was signed")
            while left and (chunk := original.read(min(left, _CHUNK))):
                digest.update(chunk)
                copy.write(chunk)
                left -= len(chunk)
            longer = original.read(1)
    except OSError as error:
        raise ServingError(f"{source}: cannot be copied ({error.strerror}); it is not what was signed") from None
    if left or longer or digest.hexdigest() != entry["sha256"]:
        raise ServingError(f"{source}: changed; it is not what was signed")
