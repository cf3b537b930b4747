"""The account of every file: what the IngestReport artifact and `easel check` say."""

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterable

from components.image_folder_example_gen.vocabulary.files import (
    Duplicate,
    FirstOnly,
    Ignored,
    NearDuplicate,
    Picture,
    Refusal,
)

REPORT = "report.json"
REJECTED = "rejected.jsonl"
DUPLICATES = "duplicates.jsonl"
IGNORED = "ignored.jsonl"
NEAR_DUPLICATES = "near_duplicates.jsonl"
FIRST_ONLY = "first_only.jsonl"

Outcome = Refusal | Duplicate | Ignored | FirstOnly


@dataclasses.dataclass(frozen=True)
class NearDuplicates:
    """Counts of images that have near-copies. Most of them are examples; those left out are among the rejected."""

    groups: int = 0
    images: int = 0
    """Images in all groups."""
    conflicts: int = 0
    """Groups whose images are in folders of different classes."""
    left_out: int = 0
    """Images that are rejected because their near-copies are in train and in eval."""


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
    near_duplicates: NearDuplicates = NearDuplicates()
    """Resized, recompressed or cropped copies."""
    first_only: dict[str, int] = dataclasses.field(default_factory=dict)
    """Examples of files with several `pages`, `frames` or `images`, of which only the first is used: how many."""

    def first_only_said(self) -> str:
        """`first_only` in words; empty when there is nothing to say."""
        said = [f"{n:,} file{'s' if n > 1 else ''} with several {what}" for what, n in sorted(self.first_only.items())]
        return f"{', '.join(said)}: only the first is used" if said else ""


def build(counts: dict[tuple[str, ...], int], labels: Iterable[str], near: Iterable[NearDuplicate] = ()) -> Report:
    """Makes the report.

    Args:
        counts: how many files fell under each key: `("examples", split, class, size)`, `("rejected", code)`,
            `("duplicates",)`, `("ignored",)` or, besides, `("first_only", what)`.
        labels: classes that have a folder, even if nothing in it was usable.
        near: all images with near-copies.
    """
    total, reasons, sizes, first_only = Counter(), Counter(), Counter(), Counter()
    classes = Counter(dict.fromkeys(sorted(labels), 0))
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
        elif kind == "first_only":
            first_only[detail[0]] += number
    kinds = {kind: total[kind] for kind in ("examples", "rejected", "duplicates", "ignored")}
    ordered = {size: sizes[size] for size in sorted(sizes, key=lambda text: int(text.split("-")[0]))}
    return Report(
        sum(kinds.values()),
        **kinds,
        classes=dict(classes),
        splits={k: dict(v) for k, v in splits.items()},
        reasons=dict(reasons),
        sizes=ordered,
        near_duplicates=_near(near),
        first_only=dict(first_only),
    )


def size_class(longest_side: int) -> str:
    """The range, a power of two wide, that a longest side in pixels falls into: 300 is in `256-511`."""
    low = 1 << (longest_side.bit_length() - 1)
    return f"{low}-{2 * low - 1}"


def example_key(picture: Picture, split: str) -> tuple[str, ...]:
    """The key under which `build` wants an Example counted."""
    return ("examples", split, picture.source.label, size_class(max(picture.width, picture.height)))


def key(outcome: Outcome) -> tuple[str, ...]:
    """The key under which `build` wants an outcome that is no Example counted."""
    if isinstance(outcome, Refusal):
        return ("rejected", outcome.reason.value)
    if isinstance(outcome, FirstOnly):
        return ("first_only", outcome.left_out)
    return ("duplicates",) if isinstance(outcome, Duplicate) else ("ignored",)


def groups(near: Iterable[NearDuplicate]) -> list[dict]:
    """Groups of near-duplicates as lines of `near_duplicates.jsonl`.

    Returns:
        Per group `group`, its name; `classes`; `conflict`, True when they are several; and `files`, a list of `path`,
        `class` and `split` (`train`, `eval`, or empty for one that is left out).
    """
    members: dict[str, list[NearDuplicate]] = {}
    for each in sorted(near):
        members.setdefault(each.group, []).append(each)
    return [
        {
            "group": group,
            "classes": (labels := sorted({each.label for each in found})),
            "conflict": len(labels) > 1,
            "files": [{"path": each.name, "class": each.label, "split": each.split} for each in found],
        }
        for group, found in members.items()
    ]


def read(folder: str) -> Report:
    """The report that an IngestReport artifact holds."""
    with open(os.path.join(folder, REPORT), encoding="utf-8") as file:
        facts = json.load(file)
    return Report(**{**facts, "near_duplicates": NearDuplicates(**facts["near_duplicates"])})


def write(report: Report, folder: str) -> None:
    """Writes the counts as `report.json`."""
    with open(os.path.join(folder, REPORT), "w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(report), file, indent=2)


def write_lists(outcomes: Iterable[Outcome], near: Iterable[NearDuplicate], folder: str) -> None:
    """Writes the lists of files: a line of JSON for each, in the order of their names."""
    named = {Refusal: REJECTED, Duplicate: DUPLICATES, Ignored: IGNORED, FirstOnly: FIRST_ONLY}
    lines: dict[str, list[str]] = {name: [] for name in named.values()}
    for outcome in sorted(outcomes):
        lines[named[type(outcome)]].append(outcome.to_json())
    lines[NEAR_DUPLICATES] = [json.dumps(group) for group in groups(near)]
    for name, texts in lines.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.writelines(text + "\n" for text in texts)


def _near(near: Iterable[NearDuplicate]) -> NearDuplicates:
    found = list(near)
    labels: dict[str, set[str]] = {}
    for each in found:
        labels.setdefault(each.group, set()).add(each.label)
    return NearDuplicates(
        groups=len(labels),
        images=len(found),
        conflicts=sum(len(classes) > 1 for classes in labels.values()),
        left_out=sum(not each.split for each in found),
    )
