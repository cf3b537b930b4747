"""Looks for an image in TFRecords without TensorFlow."""

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from components.image_folder_example_gen.whole_folder import splits


def split_of(examples: Path, digest: str) -> str | None:
    """The split in which an Example has this digest; None when there is no such Example.

    `digest` is the SHA-256 of the file, hexadecimal, as ingest keeps it in each Example.
    """
    wanted = digest.encode()
    for split in splits.NAMES:
        for path in sorted(Path(examples, f"Split-{split}").glob("*.gz")):
            with gzip.open(path) as file:
                if any(wanted in record for record in _records(file)):
                    return split
    return None


def _records(file: BinaryIO) -> Iterator[bytes]:
    """TFRecord's framing: length, its checksum, the record, its checksum."""
    while header := file.read(12):
        (length,) = struct.unpack("<Q", header[:8])
        yield file.read(length)
        file.read(4)
