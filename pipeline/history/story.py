"""One run retold: why it ran, on what, with which configuration, what each component did and what came of it."""

import dataclasses
import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.history import causes, configuration
from pipeline.history.configuration import Change
from pipeline.history.records import Execution, Run
from pipeline.history.result import ModelResult
from pipeline.history.store import Store
from pipeline.history.verdicts import Outputs, model_results
from trainer.base.errors import UserError

_COUNTS = ("seen", "examples", "rejected", "duplicates", "ignored")
_EARLIER = 5
"""Runs before one in which a node's last execution is looked for."""
_INGEST = "ImageFolderExampleGen."


@dataclass(frozen=True)
class Folder:
    """What was read of one folder; `spans` is how many were asked for and `span` the latest one, None without any."""

    folder: str
    counts: Mapping[str, int]
    fingerprint: str
    spans: int | None = None
    span: int | None = None


@dataclass(frozen=True)
class Component:
    """One node; `why` says what made it run, empty when it was served from the cache."""

    node: str
    state: str
    seconds: float
    why: str


@dataclass(frozen=True)
class Summary:
    """A line of the list of runs."""

    run: str
    pipeline: str
    started: str
    seconds: float
    finished: bool
    executed: int
    cached: int
    models: tuple[ModelResult, ...]


@dataclass(frozen=True)
class Story:
    """Everything about one run; `files` are those that exist, by what they are."""

    summary: Summary
    reasons: tuple[str, ...]
    data: Mapping[str, Folder]
    previous: str | None
    configuration: tuple[Change, ...]
    components: tuple[Component, ...]
    provenance: Mapping[str, Any]
    files: Mapping[str, Path]

    def to_json(self) -> dict[str, Any]:
        """One flat document: the summary's keys and the others."""
        facts = dataclasses.asdict(self)
        facts["configuration"] = [change._asdict() for change in self.configuration]
        return {**facts.pop("summary"), **facts}


def summarize(run: Run) -> Summary:
    """The line of a run; without models when its configuration was not recorded."""
    config = configuration.restore(configuration.recorded(run))
    cached = sum(each.state == "cached" for each in run.executions)
    return Summary(
        run=run.id,
        pipeline=run.pipeline,
        started=datetime.datetime.fromtimestamp(run.started).astimezone().isoformat(timespec="seconds"),
        seconds=round(run.seconds, 1),
        finished=run.finished,
        executed=len(run.executions) - cached,
        cached=cached,
        models=model_results(config, Outputs(run)) if config else (),
    )


def tell(store: Store, run: Run) -> Story:
    """The story of a run of a workspace."""
    earlier = [store.run(each.id) for each in before(store, run)[:_EARLIER]]
    last = causes.last_finished(earlier)
    recorded = configuration.recorded(run)
    compared = next((each for each in earlier if configuration.recorded(each)), None)
    changed = configuration.changes(configuration.recorded(compared), recorded) if compared and recorded else ()
    runs = {each.id: each for each in earlier}

    def same(before: Execution) -> bool:
        then = configuration.recorded(runs[before.run])
        return bool(then and recorded) and not configuration.changes(then, recorded)

    return Story(
        summary=summarize(run),
        reasons=causes.reasons(run, last, same),
        data={
            each.node.removeprefix(_INGEST): _folder(each) for each in run.executions if each.node.startswith(_INGEST)
        },
        previous=compared.id if compared else None,
        configuration=changed,
        components=tuple(_component(each, last, same) for each in run.executions),
        provenance=configuration.provenance(run),
        files=files(store.workspace, run),
    )


def before(store: Store, run: Run) -> tuple[Run, ...]:
    """The earlier runs of the same pipeline, the newest first, without their executions."""
    runs = store.runs(run.pipeline)
    return runs[[each.id for each in runs].index(run.id) + 1 :]


def find(store: Store, name: str) -> Run:
    """A run by its name, the beginning of one, or `latest`.

    Raises:
        UserError: there is none, or there are several.
    """
    names = [run.id for run in store.runs()]
    if not names:
        raise UserError(f"workspace {store.workspace}: nothing ran here yet; --workspace names another")
    found = [names[0]] if name == "latest" else [each for each in names if each.startswith(name)]
    if len(found) != 1:
        how_many = f"{len(found)} runs begin so" if found else "no run of this workspace"
        raise UserError(f"run {name}: {how_many}; `easel runs` lists them")
    return store.run(found[0])


def _folder(execution: Execution) -> Folder:
    report, examples = execution.output("report"), execution.output("examples")
    return Folder(
        folder=execution.properties["input_base"],
        counts={key: report.properties[key] for key in _COUNTS} if report else {},
        fingerprint=execution.properties["fingerprint"],
        spans=json.loads(execution.properties["options"]).get("spans"),
        span=examples.properties.get("span") if examples else None,
    )


def _component(execution: Execution, last: Mapping[str, Execution], same: causes.Same) -> Component:
    why = "" if execution.state == "cached" else causes.cause(execution, last.get(execution.node), same)
    state = "stopped" if execution.stopped else execution.state
    return Component(execution.node, state, round(execution.seconds, 2), why)


def files(workspace: Path, run: Run) -> dict[str, Path]:
    """The log and the pages of a run that are there, by what they are."""
    folder = workspace / "runs" / run.id
    named = {
        "log": Path(run.properties["log"]) if "log" in run.properties else None,
        "report": folder / "report.html",
        "data page": folder / "data.html",
        "contact sheet": folder / "contact-sheet.png",
    }
    return {name: path for name, path in named.items() if path and path.is_file()}
