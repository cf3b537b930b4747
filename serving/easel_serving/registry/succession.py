"""Which versions were stable, one after the other: what a rollback goes back to. Pure functions over audit records.

The last of a succession serves. A promotion adds to it; a rollback takes its last version out, everywhere, so that no
later rollback returns to it, unless it is promoted again.
"""

from collections.abc import Iterable, Mapping

from easel_serving.registry.audit import Record
from easel_serving.registry.directory import PREVIOUS, STABLE

ROLLBACK, UNDO = "rollback", "undo"
"""Actions that do not add to the succession; an undo names in `undoes` the record that it takes back."""
_DECISIONS = ("promote", "label", "unlabel", ROLLBACK, UNDO)


def of_model(records: Iterable[Record | None], labels: Mapping[str, int]) -> list[int]:
    """The succession of a model, the stable version last; empty when none is stable.

    Args:
        records: the model's audit records, oldest first, None for what cannot be read (`audit.of_model`).
        labels: where its labels point now: what the log does not know (a lost log, a hand in `models.config`) is added.
    """
    past: list[int] = []
    before: dict[str, list[int]] = {}
    is_sure = True
    for record in records:
        if record is None:
            is_sure = False
            continue
        past = _met(past, record["from"], is_sure)
        is_sure = True
        before[record["id"]] = past
        stable = record["to"].get(STABLE)
        if record["action"] == UNDO and record.get("undoes") in before:
            past = before[record["undoes"]]
        elif stable is not None:
            past = rolled_back(past, stable) if record["action"] == ROLLBACK else promoted(past, stable)
    return _met(past, labels, is_sure) if STABLE in labels else []


def decides(record: Record) -> bool:
    """Whether a record is of somebody's decision where the labels belong, though it be where they were before."""
    return record["action"] in _DECISIONS or record["from"] != record["to"]


def promoted(past: list[int], number: int) -> list[int]:
    """The succession after `number` became stable by a push or a promotion."""
    return past if past[-1:] == [number] else [*past, number]


def rolled_back(past: list[int], number: int) -> list[int]:
    """The succession after a rollback to `number`: what came after it, and what was rolled back from, is out."""
    if past[-1:] == [number]:
        return past
    kept: list[int] = []
    upto = _last(past, number)
    for each in past[:upto]:
        if each != past[-1]:
            kept = promoted(kept, each)
    return promoted(kept, number)


def earlier(past: list[int]) -> list[int]:
    """What was stable before the stable version, the latest first, each once: where rollbacks can go."""
    return [number for number in dict.fromkeys(reversed(past[:-1])) if number != past[-1]]


def _met(past: list[int], labels: Mapping[str, int], is_sure: bool) -> list[int]:
    """The succession where the labels were seen at these versions: changes that no record tells of are caught up with.

    Where lines of the log are lost (not `is_sure`), one of them may be a rollback. Then what was stable before is known
    by the label `previous` alone, unless both agree.
    """
    stable, previous = labels.get(STABLE), labels.get(PREVIOUS)
    if stable is None:
        return past if is_sure else []
    agreed = past[-1:] == [stable] and earlier(past)[:1] == ([] if previous is None else [previous])
    if not is_sure and not agreed:
        past = []
    past = promoted(past, stable)
    return [previous, *past] if len(past) == 1 and previous not in (None, stable) else past


def _last(past: list[int], number: int) -> int:
    """The last place of a number, or that of the last version, which a rollback to any other replaces."""
    return max((place for place, each in enumerate(past[:-1]) if each == number), default=len(past) - 1)
