"""Which split an image belongs to.

In this order: where the folders (or the label file) put it; where an earlier run put it, by the ledger; where its
near-copies are; and for what is left, so that every class comes as near to the wanted share as it can. A new image that
has near-copies in both splits is left out, as is one in the train folder whose near-copy is in the eval folder.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from components.image_folder_example_gen.inspection import similarity
from components.image_folder_example_gen.vocabulary.files import FirstOnly, NearDuplicate, Picture, Refusal
from components.image_folder_example_gen.vocabulary.reasons import Reason

NAMES = ("train", "eval")
LEFT_OUT = ""
_BINS = 1 << 20
"""Into how many steps draws are counted: what bounds the memory for a class of any size."""

Groups = Mapping[int, int]
"""Of each image with near-copies (its `similarity.identity`), the identity that stands for its group."""


class Group(NamedTuple):
    """What counts of a group of near-duplicates."""

    first: str
    """Smallest digest in it, which draws for all."""
    label: str
    """Class of that image: the whole group counts as of this class."""
    size: int
    splits: frozenset[str]
    """Splits that images of the group are in already."""

    def merge(self, other: "Group") -> "Group":
        """The group of the images of both."""
        first, label = min(self[:2], other[:2])
        return Group(first, label, self.size + other.size, self.splits | other.splits)


class Tally:
    """Counts images, in any order and in parts, until the splits can be planned."""

    def __init__(self):
        self._fixed: Counter[tuple[str, str]] = Counter()  # (class, split)
        self._free: Counter[tuple[str, int]] = Counter()  # (class, bin of the draw)
        self._groups: dict[int, Group] = {}
        self._bytes: Counter[str] = Counter()  # by split, those that are free without one

    def add(self, picture: Picture, groups: Groups) -> None:
        """Counts an image."""
        label, split = picture.source.label, _place(picture)
        self._bytes[split] += picture.source.size
        root = groups.get(similarity.identity(picture.sha256))
        if root is not None:
            self._join(root, Group(picture.sha256, label, 1, frozenset(filter(None, [split]))))
        elif split:
            self._fixed[label, split] += 1
        else:
            self._free[label, _bin(picture.sha256)] += 1

    def merge(self, other: "Tally") -> None:
        """Counts what the other has counted."""
        self._fixed.update(other._fixed)
        self._free.update(other._free)
        self._bytes.update(other._bytes)
        for root, group in other._groups.items():
            self._join(root, group)

    def plan(self, eval_fraction: float) -> "Plan":
        """Decides which of the images that are free go to eval. `eval_fraction` is wanted in every class."""
        fixed, free = self._fixed.copy(), self._free.copy()
        for group in self._groups.values():
            if group.splits:
                fixed[group.label, min(group.splits, key=NAMES.index)] += group.size
            else:
                free[group.label, _bin(group.first)] += group.size
        by_class: dict[str, dict[int, int]] = {}
        for (label, number), size in free.items():
            by_class.setdefault(label, {})[number] = size
        evals = {
            label: _choose(bins, fixed[label, "train"], fixed[label, "eval"], eval_fraction)
            for label, bins in by_class.items()
        }
        shares = {"train": 1 - eval_fraction, "eval": eval_fraction}
        expected = {split: round(self._bytes[split] + share * self._bytes[""]) for split, share in shares.items()}
        return Plan(evals, self._groups, expected)

    def _join(self, root: int, group: Group) -> None:
        known = self._groups.get(root)
        self._groups[root] = known.merge(group) if known else group


class Plan(NamedTuple):
    """What decides the split of every image."""

    evals: Mapping[str, frozenset[int]]
    """Per class, the bins whose images go to eval."""
    groups: Mapping[int, Group]
    bytes: Mapping[str, int]
    """About how large each split will be."""

    def split(self, picture: Picture, groups: Groups) -> str:
        """`train`, `eval`, or `LEFT_OUT`."""
        root = groups.get(similarity.identity(picture.sha256))
        if root is None:
            return _place(picture) or self._drawn(picture.sha256, picture.source.label)
        group = self.groups[root]
        straddles = len(group.splits) > 1
        if picture.source.split:
            return LEFT_OUT if straddles and picture.source.split == "train" else picture.source.split
        if picture.earlier:
            return picture.earlier
        if straddles:
            return LEFT_OUT
        return min(group.splits) if group.splits else self._drawn(group.first, group.label)

    def _drawn(self, sha256: str, label: str) -> str:
        return "eval" if _bin(sha256) in self.evals.get(label, ()) else "train"


def settle(picture: Picture, groups: Groups, plan: Plan) -> tuple[str, list[NearDuplicate | Refusal | FirstOnly]]:
    """The split of an image, or `LEFT_OUT`, and what there is to report of it."""
    split, source = plan.split(picture, groups), picture.source
    root = groups.get(similarity.identity(picture.sha256))
    reported = [FirstOnly(source.name, picture.left_out)] if picture.left_out and split != LEFT_OUT else []
    if root is None:
        return split, reported
    reported.append(NearDuplicate(f"{root:016x}", source.name, source.label, split))
    if split == LEFT_OUT:
        detail = f"near-copies in train and in eval, group {root:016x} of near_duplicates.jsonl"
        reported.append(Refusal(source.name, source.label, Reason.NEAR_DUPLICATE, detail, source.size))
    return split, reported


def draw(sha256: str) -> float:
    """A number in [0, 1) that depends on the content alone.

    The digest is hashed once more: data sets are themselves published in halves by digest, which would bias the split.
    """
    return int.from_bytes(hashlib.sha256(f"split {sha256}".encode()).digest()[:6], "big") / 2**48


def _place(picture: Picture) -> str:
    """The split that an image has whatever the others."""
    return picture.source.split or picture.earlier


def _bin(sha256: str) -> int:
    return int(draw(sha256) * _BINS)


def _choose(free: Mapping[int, int], train: int, held: int, eval_fraction: float) -> frozenset[int]:
    """The bins that go to eval: the lowest draws, until the class has its share.

    So that the choice is nearly the same when images come or go, and nearly part of that for a larger share. `free` has
    the images per bin; those of a group are in one bin.
    """
    wanted = eval_fraction * (train + held + sum(free.values()))
    chosen = set()
    for number, size in sorted(free.items()):
        if held + size / 2 <= wanted:
            chosen.add(number)
            held += size
    if not held and (train or len(free) > 1):  # the smallest class has an image to evaluate with,
        chosen.add(min(free, key=lambda number: (free[number], number)))
    if not train and len(chosen) == len(free):  # and every class one to learn from
        chosen.remove(max(free))
    return frozenset(chosen)
