"""What travels between the steps of ingest. Plain tuples: they are pickled between Beam's workers."""

import json
import os
from typing import NamedTuple

from components.image_folder_example_gen.vocabulary.reasons import Reason


class Source(NamedTuple):
    """A file to read."""

    path: bytes
    """Where to read it, as the file system spells it (POSIX names are bytes and need not be UTF-8)."""
    name: str
    """Path relative to the folder, always valid Unicode: bytes that are not UTF-8 appear as `\\xNN`."""
    label: str
    """The class; empty in a flat folder."""
    split: str
    """`train` or `eval` when the folders say so; empty when the content's hash decides."""
    size: int
    """Bytes, when it was listed."""
    mtime_ns: int
    """Time of the last change, when it was listed."""


class Picture(NamedTuple):
    """A usable image: where it is and what was measured on it, without its bytes."""

    source: Source
    sha256: str
    """Digest (hex) of the file's content."""
    format: str
    """`jpeg` or `png`: the encoding in the Example."""
    untouched: bool
    """The Example holds the file's own bytes; otherwise the image is re-encoded when it is written."""
    height: int
    """Pixels, as `tf.io.decode_image` sees the Example's bytes."""
    width: int
    brightness: float
    """Mean luma, 0..1."""
    contrast: float
    """Standard deviation of luma, 0..0.5."""
    sharpness: float
    """Mean absolute Laplacian of luma, 0..1, on the image reduced to a short side of about 48-96 pixels."""
    colorfulness: float
    """Hasler and Suesstrunk's M, divided by 255."""
    square: bytes = b""
    """What the fingerprint is made from, until it is made; see `similarity`."""
    fingerprint: bytes = b""
    """What near-duplicates are found by; empty for a picture without structure."""
    earlier: str = ""
    """The split that an earlier run gave it; empty when it is new."""
    left_out: str = ""
    """What the file holds besides this picture, its first: `pages`, `frames` or `images`; empty for nothing."""


class Refusal(NamedTuple):
    """A file that is not used, and why; a line of `rejected.jsonl`."""

    name: str
    label: str
    reason: Reason
    detail: str
    size: int

    def to_json(self) -> str:
        """One line of JSON."""
        facts = {"reason": self.reason.value, "detail": self.detail, "size": self.size}
        return json.dumps({"path": self.name, "class": self.label, **facts})


class Duplicate(NamedTuple):
    """A byte-identical copy of a file that is used; a line of `duplicates.jsonl`."""

    name: str
    of: str

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps({"path": self.name, "duplicate_of": self.of})


class NearDuplicate(NamedTuple):
    """An image of which there are near-copies: one of the `files` of a group in `near_duplicates.jsonl`."""

    group: str
    """Digest (16 hex digits) of one of the group, which stands for all."""
    name: str
    label: str
    split: str
    """`train` or `eval`; empty when it was left out because its near-copies are in both."""


class Ignored(NamedTuple):
    """A hidden or side-car file; a line of `ignored.jsonl`."""

    name: str

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps({"path": self.name})


class FirstOnly(NamedTuple):
    """A file that holds more than the picture that is used, its first; a line of `first_only.jsonl`."""

    name: str
    left_out: str
    """`pages`, `frames` or `images`."""

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps({"path": self.name, "left_out": self.left_out})


def display(path: bytes) -> str:
    r"""The path as valid Unicode; bytes that are not UTF-8 become `\xNN`."""
    return path.decode("utf-8", "backslashreplace")


def encode(path: str | os.PathLike) -> bytes:
    """The path as the file system spells it."""
    return os.fsencode(path)
