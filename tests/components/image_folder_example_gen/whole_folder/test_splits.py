"""Which split an image belongs to, and which matters more: the folders, the ledger, near-copies, the wanted share."""

from collections import Counter

import pytest

from components.image_folder_example_gen.inspection import similarity
from components.image_folder_example_gen.vocabulary.files import NearDuplicate, Picture, Refusal, Source
from components.image_folder_example_gen.whole_folder import ledger, splits


def picture(sha256: str, label: str = "cat", split: str = "", earlier: str = "") -> Picture:
    source = Source(sha256.encode(), sha256, label, split, 9, 0)
    return Picture(source, sha256, "jpeg", True, 64, 64, 0.5, 0.2, 0.1, 0.3, earlier=earlier)


def digests(count: int, start: int = 0) -> list[str]:
    return [f"{number:08x}{'0' * 56}" for number in range(start, start + count)]  # all begin alike: cut by digest


def groups(*of: list[str]) -> dict[int, int]:
    return {similarity.identity(each): similarity.identity(min(group)) for group in of for each in group}


def settle(pictures: list[Picture], fraction: float = 0.2, near: dict | None = None) -> dict[str, str]:
    """The split of each image by digest, planned from two halves, as Beam may."""
    near = near or {}
    halves = splits.Tally(), splits.Tally()
    for index, each in enumerate(pictures):
        halves[index % 2].add(each, near)
    halves[0].merge(halves[1])
    plan = halves[0].plan(fraction)
    return {each.sha256: plan.split(each, near) for each in pictures}


@pytest.mark.parametrize(("size", "held"), [(1, 0), (2, 1), (3, 1), (7, 1), (8, 2), (500, 100)])
def test_every_class_has_its_share_and_at_least_one(size, held):
    pictures = [picture(each) for each in digests(size)] + [picture(each, "dog") for each in digests(300, 10_000)]
    counts = Counter((each.source.label, settle(pictures)[each.sha256]) for each in pictures)
    assert counts["cat", "eval"] == held
    assert counts["dog", "eval"] == 60


def test_an_added_image_moves_hardly_any_even_without_a_ledger():
    before = settle([picture(each) for each in digests(100)])
    after = settle([picture(each) for each in digests(103)])
    assert sum(before[each] != after[each] for each in before) <= 1


def test_a_larger_share_keeps_what_is_held_out():
    small, large = (settle([picture(each) for each in digests(300)], fraction) for fraction in (0.1, 0.3))
    assert {each for each, split in small.items() if split == "eval"} < {k for k, v in large.items() if v == "eval"}


def test_a_group_is_in_one_split_and_counts_whole():
    names = digests(60)
    near = groups(*(names[start : start + 6] for start in range(0, 60, 6)))
    found = settle([picture(each) for each in names], near=near)
    assert Counter(found.values()) == {"train": 48, "eval": 12}
    assert all(len({found[each] for each in names[start : start + 6]}) == 1 for start in range(0, 60, 6))


def test_a_group_that_is_its_whole_class_trains():
    names = digests(5)
    assert set(settle([picture(each) for each in names], near=groups(names)).values()) == {"train"}


def test_what_has_a_split_keeps_it_and_the_new_fill_up():
    old = [picture(each, earlier="train") for each in digests(40)]
    new = [picture(each) for each in digests(20, 1000)]
    found = settle([*old, *new])
    assert all(found[each.sha256] == "train" for each in old)
    assert sum(found[each.sha256] == "eval" for each in new) == 12  # a fifth of all


def test_a_new_image_joins_its_near_copy():
    old = [picture(each, earlier=split) for each, split in zip(digests(2), ("train", "eval"), strict=True)]
    new = [picture(each) for each in digests(2, 1000)]
    found = settle([*old, *new], near=groups([old[0].sha256, new[0].sha256], [old[1].sha256, new[1].sha256]))
    assert [found[each.sha256] for each in new] == ["train", "eval"]


def test_a_new_image_between_train_and_eval_is_left_out_and_the_old_ones_stay():
    old = [picture(each, earlier=split) for each, split in zip(digests(2), ("train", "eval"), strict=True)]
    new = picture(digests(1, 1000)[0])
    near = groups([*(each.sha256 for each in old), new.sha256])
    assert settle([*old, new], near=near) == {old[0].sha256: "train", old[1].sha256: "eval", new.sha256: ""}
    tally = splits.Tally()
    for each in (*old, new):
        tally.add(each, near)
    split, reported = splits.settle(new, near, tally.plan(0.2))
    assert split == splits.LEFT_OUT
    assert [type(each) for each in reported] == [NearDuplicate, Refusal]


def test_the_train_folder_gives_way_to_the_eval_folder():
    given = [picture(each, split=split) for each, split in zip(digests(3), ("train", "eval", "train"), strict=True)]
    near = groups([given[0].sha256, given[1].sha256])
    assert list(settle(given, near=near).values()) == ["", "eval", "train"]


def test_a_ledger_comes_back_as_it_was_written(tmp_path):
    lines = [(each, "eval") for each in digests(3)]
    ledger.write(str(tmp_path), 1, 2, reversed(lines))
    ledger.write(str(tmp_path), 0, 2, [])
    assert ledger.load(str(tmp_path)) is None  # not finished
    ledger.write_header(str(tmp_path), {"fingerprint": "f", "base_ledger": "before"})
    assert [line for path in ledger.files(str(tmp_path)) for line in ledger.read(path)] == lines
    assert ledger.load(str(tmp_path)).header == ledger.Header("before", {"fingerprint": "f"})


def test_the_same_run_starts_from_the_same_ledger_so_that_the_cache_holds():
    first = {"fingerprint": "a", "base_ledger": ""}
    assert ledger.base_for(first, None) == ""
    latest = ledger.Ledger("one", ledger.Header("", {"fingerprint": "a"}))
    assert ledger.base_for(first, latest) == ""
    changed = ledger.base_for({**first, "fingerprint": "b"}, latest)
    assert changed == "one"
    newest = ledger.Ledger("two", ledger.Header(changed, {"fingerprint": "b"}))
    assert ledger.base_for({**first, "fingerprint": "b"}, newest) == "one"
    assert ledger.base_for(first, newest) == "two"
