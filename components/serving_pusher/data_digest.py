"""Which data made a version: digests of content, equal on every machine and for every order of the files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tfx.types import artifact

from components.serving_pusher import reading


def of_examples(examples: Sequence[artifact.Artifact]) -> str:
    """SHA-256 over the split, class and content hash of every image, sorted."""
    lines = []
    for split in reading.splits(examples):
        for example in reading.of_split(examples, split):
            features = example.features.feature
            values = [b"".join(features[name].bytes_list.value) for name in ("image/class/text", "image/key/sha256")]
            lines.append(b"\t".join([split.encode(), *values]))
    return hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
