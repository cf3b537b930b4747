"""A dry run's answer: what would run, folder by folder and model by model, as a document and as lines."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from pipeline.history.causes import FIRST
from pipeline.planning.triggers import Decision
from pipeline.planning.workspace_state import GATES, TRAINERS
from pipeline.progress.events import Node

Action = Literal["reads", "retrains", "evaluates", "pushes", "unchanged", "stopped", "skipped", "waits"]
_TRAINS, _JUDGES, _PUSHES = ("Trainer", "StyleTrainer", "Tuner"), ("Evaluator", "PromotionGate"), "ServingPusher"


@dataclass(frozen=True)
class Component:
    """A component of the pipeline, and what would become of it.

    It `runs` on its own account, `follows` one that runs, is `cached`, is a gate that has `stopped` its lane, or is
    `skipped` behind one.
    """

    node: Node
    state: Literal["runs", "follows", "cached", "stopped", "skipped"]
    why: str = ""

    @property
    def works(self) -> bool:
        """Whether it would run, if the gates before it let the data pass."""
        return self.state in ("runs", "follows")


@dataclass(frozen=True)
class Lane:
    """A data lane (`photos`, `style-photos`, `paintings`) or a model, what would happen to it, and why."""

    name: str
    action: Action
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class DryRunReport:
    """What a run would do; `evidence` is what the eval images, as last read, are too few to show of a model.

    `warnings` are what is told of the folders before a run reads them.
    """

    lanes: tuple[Lane, ...]
    components: tuple[Component, ...]
    evidence: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of `easel run --dry-run --json`."""
        return {
            "lanes": [vars(lane) for lane in self.lanes],
            "components": [
                {"id": each.node.id, "lane": each.node.lane, "title": each.node.title, "state": each.state}
                | ({"reason": each.why} if each.why else {})
                for each in self.components
            ],
            "evidence": self.evidence,
            "warnings": self.warnings,
        }


def summed_up(components: Sequence[Component], decisions: Mapping[str, Decision]) -> DryRunReport:
    """Sums up the components of each lane."""
    components = [_held_back(each, decisions) for each in components]
    names = dict.fromkeys(each.node.lane for each in components)
    lanes = [lane(name, [each for each in components if each.node.lane == name], decisions.get(name)) for name in names]
    return DryRunReport(tuple(lanes), tuple(components))


def lane(name: str, components: Sequence[Component], decision: Decision | None = None) -> Lane:
    """What would happen to one lane."""
    reasons = tuple(_reasons(components))
    if name not in TRAINERS:
        action = "reads" if any(each.works for each in components) else "skipped" if reasons else "unchanged"
        return Lane(name, action, reasons)
    if any(each.state == "stopped" for each in components):
        return Lane(name, "stopped", ("data validation still stops it: the data are those of the last run",))
    if decision and decision.train is False:
        return Lane(name, "skipped", decision.reasons)
    action = _action(components)
    if decision and decision.train is None and action != "unchanged":
        return Lane(name, "waits", decision.reasons)
    return Lane(name, action, (*(decision.reasons if decision and action != "unchanged" else ()), *reasons))


def _held_back(each: Component, decisions: Mapping[str, Decision]) -> Component:
    """A component that there is no reason to run: of a model all but its gates, of everything if none has a reason."""
    refused = [name for name, decision in decisions.items() if decision.train is False]
    model = each.node.lane in refused and each.node.id.split(".")[0] not in GATES
    over = refused and len(refused) == len(decisions)
    return dataclasses.replace(each, state="skipped") if each.works and (model or over) else each


def render(found: DryRunReport) -> RenderableType:
    """For people: a line for each lane, then the components that would run."""
    lines = [Text.assemble((each.name, "bold"), ": ", _words(each)) for each in found.lanes]
    lines += [Text.assemble(("! ", "yellow"), line) for line in (*found.warnings, *found.evidence)]
    working = [each for each in found.components if each.works]
    cached = len(found.components) - len(working)
    if not working:
        return Group(*lines)
    working_lines = [Text.assemble(_title(each), (f"  {each.why}" if each.why else "", "dim")) for each in working]
    count = Text(f"{len(working)} components would run, {cached} would not:", style="dim")
    return Group(*lines, Text(), count, *(Padding(line, (0, 0, 0, 2)) for line in working_lines))


def _words(found: Lane) -> str:
    because = "; ".join(found.reasons)
    if found.action == "unchanged":
        return "is unchanged"
    if found.name not in TRAINERS:
        return because if found.action == "reads" else f"{because}, not read"
    start = {
        "retrains": "retrains",
        "evaluates": "is evaluated again",
        "pushes": "is not trained; the serving directory gets back what it lost",
        "stopped": "stays stopped",
        "skipped": "has no reason to train",
        "waits": "retrains only if the data have drifted",
    }[found.action]
    return f"{start} ({because})" if because else start


def _title(each: Component) -> str:
    return f"{each.node.lane} / {each.node.title}"


def _action(components: Iterable[Component]) -> Action:
    working = [each.node.id.split(".")[0] for each in components if each.works]
    for action, names in (("retrains", _TRAINS), ("evaluates", _JUDGES), ("pushes", (_PUSHES,))):
        if any(name in names for name in working):
            return action
    return "evaluates" if working else "unchanged"


def _reasons(components: Iterable[Component]) -> Iterable[str]:
    """Each cause once; of a lane that never ran, only that."""
    own = [each for each in components if each.why and not each.node.id.startswith(_PUSHES)]
    found = dict.fromkeys(each.why for each in own)
    if FIRST in found:
        return ["it is the first time"]
    return list(found)
