"""The account of every file: what the IngestReport artifact and `easel check` say."""

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterable

from components.image_folder_example_gen.records import Duplicate, Ignored, Picture, Refusal

REPORT = "report.json"
REJECTED = "rejected.jsonl"
DUPLICATES = "duplicates.jsonl"
IGNORED = "ignored.jsonl"


@dataclasses.dataclass(frozen=True)
class Report:
    """Counts of files; `seen` is always the sum of the next four."""

    seen: int
    examples: int
    rejected: int
    duplicates: int
    ignored: int
    classes: dict[str, int]
    """Examples per class, classes without a usable image included; a flat folder has one class without a name."""
    splits: dict[str, dict[str, int]]
    """Examples per split and class."""
    reasons: dict[str, int]
    """Rejected files per reason code."""
    sizes: dict[str, int]
    """Examples per size class of the longest side, such as `256-511`."""


def build(counts: dict[tuple[str, ...], int], labels: Iterable[str]) -> Report:
    """Makes the report.

    Args:
      counts: how many files fell under each key: `("examples", split, class, size)`, `("rejected", code)`,
        `("duplicates",)` or `("ignored",)`.
      labels: classes that have a folder, even if nothing in it was usable.
    """
    total, classes, reasons, sizes = Counter(), Counter(dict.fromkeys(sorted(labels), 0)), Counter(), Counter()
    splits: dict[str, Counter] = {}
    for (kind, *detail), number in sorted(counts.items()):
        total[kind] += number
        if kind == "examples":
            split, label, size = detail
            classes[label] += number
            splits.setdefault(split, Counter())[label] += number
            sizes[size] += number
        elif kind == "rejected":
            reasons[detail[0]] += number
    kinds = {kind: total[kind] for kind in ("examples", "rejected", "duplicates", "ignored")}
    ordered = {size: sizes[size] for size in sorted(sizes, key=lambda text: int(text.split("-")[0]))}
    return Report(
        sum(kinds.values()),
        **kinds,
        classes=dict(classes),
        splits={k: dict(v) for k, v in splits.items()},
        reasons=dict(reasons),
        sizes=ordered,
    )


def size_class(longest_side: int) -> str:
    """The range, a power of two wide, that a longest side in pixels falls into: 300 is in `256-511`."""
    low = 1 << (longest_side.bit_length() - 1)
    return f"{low}-{2 * low - 1}"


def example_key(picture: Picture, split: str) -> tuple[str, ...]:
    """The key under which `build` wants an Example counted."""
    return ("examples", split, picture.source.label, size_class(max(picture.width, picture.height)))


def key(outcome: Refusal | Duplicate | Ignored) -> tuple[str, ...]:
    """The key under which `build` wants an outcome that is no Example counted."""
    if isinstance(outcome, Refusal):
        return ("rejected", outcome.reason.value)
    return ("duplicates",) if isinstance(outcome, Duplicate) else ("ignored",)


def read(folder: str) -> Report:
    """The report that an IngestReport artifact holds."""
    with open(os.path.join(folder, REPORT), encoding="utf-8") as file:
        return Report(**json.load(file))


def write(report: Report, folder: str) -> None:
    """Writes the counts as `report.json`."""
    with open(os.path.join(folder, REPORT), "w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(report), file, indent=2)
