"""When a model is worth training: pure decisions from facts that `pipeline.planning.workspace_state` reads."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.configuration.when import WhenOptions
from pipeline.progress.wording import number

_SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}
_UNITS = {"h": "hour", "d": "day", "w": "week"}


@dataclass(frozen=True)
class Facts:
    """What is known about a model before its data are read.

    Attributes:
        version: that serves; None when none does.
        age: its seconds since it was made; None when unknown.
        new_images: by folder (`photos`, `paintings`); None when it is unknown what the model was trained on.
    """

    version: int | None = None
    age: float | None = None
    new_images: Mapping[str, int] | None = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """Whether to train a model.

    `train` is None when that depends on drift, and the data must be read to know. `reasons` says in words what speaks
    for it, or else what each trigger is still waiting for.
    """

    train: bool | None
    reasons: tuple[str, ...] = ()

    def after_looking(self, drift: Sequence[str]) -> "Decision":
        """The decision with what the data gate found on drift, for one that waited for it."""
        return Decision(True, tuple(drift)) if drift else Decision(False, (*self.reasons, "no drift"))


def decide(when: WhenOptions, facts: Facts) -> Decision:
    """Weighs the facts: one reason is enough."""
    if when.always:
        return Decision(True, ("when.always",))
    reasons, waiting = [], []
    if facts.version is None:
        reasons.append("no version serves yet")
    if when.new_images and facts.new_images is None:
        reasons.append("it is not known what it was trained on")
    elif when.new_images:
        said = _new_images(facts.new_images)
        enough = sum(facts.new_images.values()) >= when.new_images
        (reasons if enough else waiting).append(said if enough else f"{said}, of {number(when.new_images)} wanted")
    if when.older_than and facts.age is not None:
        said = f"version {facts.version} is {_duration(facts.age)} old"
        old = facts.age > seconds(when.older_than)
        (reasons if old else waiting).append(said if old else f"{said}, not {_spelled(when.older_than)}")
    if reasons:
        return Decision(True, tuple(reasons))
    return Decision(None if when.drift else False, tuple(waiting))


def seconds(duration: str) -> int:
    """`30d` in seconds."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _new_images(new: Mapping[str, int]) -> str:
    parts = [f"{number(count)} new {folder}" for folder, count in new.items() if count]
    return " and ".join(parts) or f"no new {' or '.join(new)}"


def _spelled(duration: str) -> str:
    count, unit = re.fullmatch(r"(\d+)(\w)", duration).groups()
    return f"{count} {_UNITS[unit]}{'' if count == '1' else 's'}"


def _duration(age: float) -> str:
    unit = "d" if age >= 2 * _SECONDS["d"] else "h"
    return _spelled(f"{int(age // _SECONDS[unit])}{unit}")
