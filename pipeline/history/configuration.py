"""The configuration of a past run: as it was recorded, as today's `Config`, and against another run's."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from pipeline.configuration.config import Config
from pipeline.history.records import Run

_REQUIRED = {"": ("workspace",), "classifier": ("photos",), "style": ("photos", "paintings")}
"""What a configuration has to name, by section."""


class Change(NamedTuple):
    """One key of two configurations; None where it is missing."""

    key: str
    before: Any
    after: Any


def recorded(run: Run) -> dict[str, Any]:
    """The configuration with all defaults, as a run began with it; empty when none was recorded."""
    own = run.properties.get("configuration")
    return json.loads(own) if own else _lineage(run).get("configuration", {})


def provenance(run: Run) -> dict[str, Any]:
    """`commit`, `packages`, `python` and `machine` of a run; empty when they were not recorded."""
    own = run.properties.get("provenance")
    return json.loads(own) if own else {key: value for key, value in _lineage(run).items() if key != "configuration"}


def restore(document: Mapping[str, Any]) -> Config | None:
    """A recorded configuration without the keys that Easel no longer has; None when the rest is no configuration."""
    kept = json.loads(json.dumps(document))
    while True:
        try:
            return Config.model_validate(kept)
        except ValidationError as error:
            unknown = [each["loc"] for each in error.errors() if each["type"] == "extra_forbidden"]
            if not any(_drop(kept, place) for place in unknown):
                return None


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The keys whose values differ, in the order of `after`; lists are compared as a whole."""
    old, new = dict(flat(before)), dict(flat(after))
    keys = dict.fromkeys([*new, *old])
    return tuple(Change(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key))


def chosen(document: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """What a recorded configuration says that Easel would not say by itself.

    Returns:
        The keys (`style.train.steps`) that have no default or another value, and how many more there are. All of them,
        and 0, where the defaults of its Easel are not known any more.
    """
    known = dict(flat(document))
    needed = {}
    for lane, required in _REQUIRED.items():
        section = document.get(lane) if lane else document
        if section:
            given = {key: section[key] for key in required if key in section}
            needed |= {lane: given} if lane else given
    try:
        defaults = dict(flat(Config.model_validate(needed).described()))
    except ValidationError:
        return known, 0
    named = {f"{lane}.{key}".lstrip(".") for lane, required in _REQUIRED.items() for key in required}
    kept = {key: value for key, value in known.items() if key in named or value != defaults.get(key)}
    return kept, len(known) - len(kept)


def _lineage(run: Run) -> dict[str, Any]:
    """What runs hand to ServingPusher, for a version's manifest."""
    found = [each.properties["lineage"] for each in run.executions if "lineage" in each.properties]
    return json.loads(found[0]) if found else {}


def _drop(document: dict[str, Any], place: tuple[str | int, ...]) -> bool:
    *parents, last = place
    for part in parents:
        document = document.get(part, {}) if isinstance(document, dict) else {}
    if not isinstance(document, dict) or last not in document:
        return False
    del document[last]
    return True


def flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Keys with dots, and their values: `("classifier.photos", "/photos")`."""
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
