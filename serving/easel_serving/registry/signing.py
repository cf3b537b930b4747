"""Signed manifests: the holder of a key vouches for every file of a version (Ed25519, RFC 8032).

The signature is over `manifest.json`, which names the model, the version and the SHA-256 of every file. Where the
public key was given, what is loaded is a checked copy (`registry.signed_copy`), so that whoever can write the serving
directory, but has no key, cannot have a file of his own loaded. Keys are PEM files, as `openssl genpkey -algorithm
ed25519` and `openssl pkey -pubout` make them. Needs the extra `signing`.
"""

import json
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import MANIFEST, Version

SIGNATURE = "manifest.sig"
"""Beside `manifest.json`: 64 bytes."""


def signature(manifest: bytes, private_key: str | Path) -> bytes:
    """The signature of a manifest's bytes.

    Raises:
        ServingError: the key cannot be read, or is none of this kind.
    """
    return _key(private_key, private=True).sign(manifest)


def signed(version: Version, public_key: str | Path) -> bool:
    """Whether the manifest that was read for a version is its own and was signed by the holder of the key.

    Raises:
        ServingError: the key cannot be read, or is none of this kind.
    """
    try:
        content, found = ((version.manifest_dir / name).read_bytes() for name in (MANIFEST, SIGNATURE))
    except OSError:
        content = found = b""
    # The file may have been exchanged since it was read: what is vouched for must be what is relied on.
    return (
        vouches(content, found, public_key)
        and is_of(content, version.model, str(version.number))
        and json.loads(content) == version.manifest
    )


def is_of(manifest: bytes, model: str, version: str) -> bool:
    """Whether a manifest's bytes, which were signed, are of this version: copied beside another they say nothing."""
    content = json.loads(manifest)
    return (content["model"], str(content["version"])) == (model, version)


def vouches(manifest: bytes, found: bytes, public_key: str | Path) -> bool:
    """Whether `found` is the signature of a manifest's bytes by the holder of the key.

    Raises:
        ServingError: the key cannot be read, or is none of this kind.
    """
    return _verifies(_key(public_key, private=False), manifest, found)


def is_own(manifest: bytes, found: bytes, private_key: str | Path) -> bool:
    """Whether the holder of this private key signed a manifest's bytes; raises as `signature`."""
    return _verifies(_key(private_key, private=True).public_key(), manifest, found)


def require_public_key(path: str | Path) -> None:
    """Raises ServingError when the file is no public key of this kind: better at the start than at every version."""
    _key(path, private=False)


def _verifies(key: Any, manifest: bytes, found: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(found, manifest)
    except InvalidSignature:
        return False
    return True


def _key(path: str | Path, private: bool) -> Any:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise ServingError("signatures need the extra signing: pip install 'easel-serving[signing]'") from None
    wanted = ed25519.Ed25519PrivateKey if private else ed25519.Ed25519PublicKey
    try:
        data = Path(path).read_bytes()
        load = serialization.load_pem_private_key if private else serialization.load_pem_public_key
        key = load(data, None) if private else load(data)
    except OSError as error:
        raise ServingError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, wanted):
        kind = "private" if private else "public"
        raise ServingError(f"{path}: no {kind} Ed25519 key in PEM without a password")
    return key
