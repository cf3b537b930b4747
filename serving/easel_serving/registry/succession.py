"""Which versions were stable, one after the other: what a rollback goes back to. Pure functions over audit records.

The last of a succession serves. A promotion adds to it; a rollback takes its last version out, everywhere, so that no
later rollback returns to it, unless it is promoted again.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from easel_serving.registry.directory import PREVIOUS, STABLE

ROLLBACK, UNDO = "rollback", "undo"
"""Actions that do not add to the succession; an undo names in `undoes` the record that it takes back."""


def of_model(records: Iterable[Mapping[str, Any]], labels: Mapping[str, int]) -> list[int]:
    """The succession of a model, the stable version last; empty when none is stable.

    Args:
        records: the model's audit records, oldest first.
        labels: where its labels point now: what the log does not know (a lost log, a hand in `models.config`) is added.
    """
    past: list[int] = []
    before: dict[str, list[int]] = {}
    for record in records:
        before[record.get("id", "")] = past
        stable = record["to"].get(STABLE)
        if record["action"] == UNDO and record.get("undoes") in before:
            past = before[record["undoes"]]
        elif stable is not None:
            past = rolled_back(past, stable) if record["action"] == ROLLBACK else promoted(past, stable)
    stable, previous = labels.get(STABLE), labels.get(PREVIOUS)
    if stable is None:
        return []
    past = promoted(past, stable)
    if len(past) == 1 and previous not in (None, stable):
        past = [previous, *past]
    return past


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


def _last(past: list[int], number: int) -> int:
    """The last place of a number, or that of the last version, which a rollback to any other replaces."""
    return max((place for place, each in enumerate(past[:-1]) if each == number), default=len(past) - 1)
