"""Why a node ran instead of being served from the cache: its execution beside its last one before."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.history.records import Execution, Run

_WORDS: Mapping[str, str] = {
    "fingerprint": "the files of the folder changed",
    "code": "the code changed",
    "key": "the schema changed",
    "candidates": "the data to compare with changed",
    "tuned": "an earlier search found other values",
}
_SILENT = ("nonce", "lineage", "base_ledger", "resume_dir")
"""What differs in every run, or only because something else does."""
FIRST, AGAIN, INPUTS = "had never finished", "nothing changed; it had to run again", "new inputs"
CONFIGURATION = "the configuration changed"


Same = Callable[[Execution], bool]
"""Whether the run of an earlier execution is known to have had the same configuration as this one."""


def unknown(before: Execution) -> bool:
    """A `Same` that knows of no run."""
    return False


def cause(execution: Execution, before: Execution | None, same: Same = unknown) -> str:
    """In words why a node ran: its own change above the change of what it is given.

    `before` is the node's last finished execution in earlier runs. `same` keeps a change from being put down to a
    configuration that is the same.
    """
    if before is None:
        return FIRST
    now, then = _facts(execution), _facts(before)
    changed = [name for name in {**now, **then} if name not in _SILENT and now.get(name) != then.get(name)]
    if changed:
        return "; ".join(dict.fromkeys(_word(execution.node, name, same(before)) for name in changed))
    given, gave = (_ids(each) for each in (execution, before))
    inputs = [key for key in given if given[key] != gave.get(key)]
    return f"{INPUTS}: {', '.join(inputs)}" if inputs else AGAIN


def reasons(run: Run, before: Mapping[str, Execution], same: Same = unknown) -> tuple[str, ...]:
    """What started it all: each change with the nodes it made run. What another node's new outputs explain is none.

    `before` has the last finished execution of each node in earlier runs; for `same` see `cause`.
    """
    if not before:
        return ("it is the first run",)
    ran = [each for each in run.executions if each.state != "cached"]
    fresh = {artifact.id for each in ran for artifacts in each.outputs.values() for artifact in artifacts}
    found: dict[str, list[str]] = {}
    for execution in ran:
        earlier = before.get(execution.node)
        why = cause(execution, earlier, same)
        follows = any(artifact.id in fresh for artifacts in execution.inputs.values() for artifact in artifacts)
        explained = follows and (why in (FIRST, AGAIN) or why.startswith(INPUTS))
        if not explained and "nonce" not in execution.properties:
            found.setdefault(why, []).append(execution.node)
    return tuple(f"{why}: {', '.join(names)}" for why, names in found.items())


def last_finished(earlier: Sequence[Run]) -> dict[str, Execution]:
    """The last finished execution of each node in runs, given the newest first."""
    found: dict[str, Execution] = {}
    for run in earlier:
        for execution in run.executions:
            if execution.finished:
                found.setdefault(execution.node, execution)
    return found


def _facts(execution: Execution) -> dict[str, Any]:
    """A node's properties, those of TFX's `custom_config` among them."""
    facts = dict(execution.properties)
    try:
        inside = json.loads(facts.get("custom_config") or "")
    except ValueError:
        return facts
    if isinstance(inside, dict):
        del facts["custom_config"]
        facts |= inside
    return facts


def _word(node: str, name: str, same_configuration: bool) -> str:
    if node.startswith("Champion") and name == "key":
        return "another version serves"
    return _WORDS.get(name, f"its {name.replace('_', ' ')} changed" if same_configuration else CONFIGURATION)


def _ids(execution: Execution) -> dict[str, list[int]]:
    """The artifacts that a node reads; TFX names the channels of its conditions with an underscore."""
    inputs = {key: artifacts for key, artifacts in execution.inputs.items() if not key.startswith("_")}
    return {key: [artifact.id for artifact in artifacts] for key, artifacts in inputs.items()}
