"""The split ledger: which split every image was given, kept from run to run.

It is an artifact of each run, and the next run starts from it. That must not spoil the cache: a run over an unchanged
folder has to look to TFX like the one before, which had not yet this ledger but the one before it. So every ledger
remembers what it was made from, and a run whose execution properties are those of the latest ledger is given that
ledger's own `base` once more (`base_for`); any other run is given the latest ledger.

A ledger is `ledger.json`, a `Header`, and text files `ledger-NN-of-NN.tsv` with a line `SHA256<tab>SPLIT` for each
image that any run has seen, those no longer in the folder among them, sorted by digest.
"""

import dataclasses
import glob
import json
import os
from collections.abc import Iterable, Iterator, Mapping

HEADER = "ledger.json"
PROPERTY = "base_ledger"
"""The execution property that holds the address of the ledger that a run starts from; empty for none."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What a ledger was made from."""

    base: str
    """Address of the ledger before it; empty if it was the first."""
    properties: dict[str, str]
    """The other execution properties of its run."""


@dataclasses.dataclass(frozen=True)
class Ledger:
    """The latest ledger of a data lane."""

    uri: str
    header: Header


def base_for(properties: Mapping[str, object], latest: Ledger | None) -> str:
    """The address of the ledger that a run with these execution properties starts from; empty for none."""
    if latest is None:
        return ""
    return latest.header.base if _others(properties) == latest.header.properties else latest.uri


def load(uri: str) -> Ledger | None:
    """The ledger at an address; None when it is not there any more."""
    path = os.path.join(uri, HEADER)
    try:
        with open(path, encoding="utf-8") as file:
            return Ledger(uri, Header(**json.load(file)))
    except FileNotFoundError:
        return None


def write_header(uri: str, properties: Mapping[str, object]) -> None:
    """Finishes a ledger: without a header nothing reads it."""
    header = Header(str(properties.get(PROPERTY) or ""), _others(properties))
    with open(os.path.join(uri, HEADER), "w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(header), file, indent=2, sort_keys=True)


def files(uri: str) -> list[str]:
    """The text files of a ledger."""
    return sorted(glob.glob(os.path.join(glob.escape(uri), "ledger-*-of-*.tsv"))) if uri else []


def read(path: str) -> Iterator[tuple[str, str]]:
    """Digests (hex) and splits in one text file."""
    with open(path, encoding="ascii") as file:
        for line in file:
            sha256, split = line.rstrip("\n").split("\t")
            yield sha256, split


def write(uri: str, part: int, parts: int, lines: Iterable[tuple[str, str]]) -> None:
    """Writes one text file; it appears under its name by one rename, because Beam may run this twice."""
    path = os.path.join(uri, f"ledger-{part:02d}-of-{parts:02d}.tsv")
    unfinished = f"{path}.{os.getpid()}"
    with open(unfinished, "w", encoding="ascii") as file:
        file.write("".join(f"{sha256}\t{split}\n" for sha256, split in sorted(lines)))
    os.replace(unfinished, path)


def _others(properties: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in properties.items() if name != PROPERTY}
