"""What is asked before a run imports TFX: is there room, and is there a reason to train."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.configuration.config import Config
from pipeline.history import configuration
from pipeline.history.result import ModelResult, RunResult
from pipeline.history.store import Store
from pipeline.planning import disk_space, weights
from pipeline.planning.triggers import Decision, decide
from pipeline.planning.workspace_state import WorkspaceState
from trainer.base.errors import UserError


def require_known_workspace(config: Config, path: Path) -> None:
    """Raises a UserError when a configuration's runs are in the current folder, and its workspace would be a new one.

    The default workspace was in the current folder once; now it is beside the file. Whoever has one there goes on with
    it only by saying so: a new one would train everything anew and push to another place.
    """
    name = Config.model_fields["workspace"].default
    default, here = path.absolute().parent / name, Path.cwd() / name
    if config.workspace != default or here == default or default.exists():
        return
    runs = Store(here).runs(config.name)
    known = dict(configuration.flat(configuration.recorded(runs[0]))) if runs else {}
    if known and all(known.get(key) == folder for key, folder in config.inputs().items()):
        raise UserError(
            f"workspace: the runs of {path} are in {here}, but the file names no workspace, and without one it is"
            f" {default}: add `workspace: {here}` to the file to go on there, or make that folder to begin anew"
        )


def require_room(config: Config, workspace: WorkspaceState) -> None:
    """Raises a UserError when what is new would not fit, or nothing can be written; what is cached needs no room."""
    disk_space.check(
        config, disk_space.measure(config, [lane for lane, folder in workspace.folders.items() if folder.changed])
    )


def require_weights(config: Config, decided: Mapping[str, Decision]) -> None:
    """Raises a UserError when a model may be trained whose pretrained weights cannot be had."""
    idle = {lane: None for lane, decision in decided.items() if decision.train is False}
    if faults := weights.missing(config.model_copy(update=idle)):
        raise UserError(faults[0])


def decisions(config: Config, workspace: WorkspaceState) -> dict[str, Decision]:
    """Whether to train each model, by lane; empty when the configuration has no `when`."""
    if config.when is None:
        return {}
    lanes = [lane for lane in ("classifier", "style") if getattr(config, lane)]
    return {lane: decide(config.when, workspace.facts(lane)) for lane in lanes}


def nothing_to_do(decided: Mapping[str, Decision]) -> bool:
    """Whether nothing is left to run."""
    return bool(decided) and all(decision.train is False for decision in decided.values())


def skipped(config: Config, workspace: WorkspaceState, decided: Mapping[str, Decision]) -> RunResult:
    """The result of a run that had no reason to begin."""
    models = tuple(
        ModelResult(
            name=getattr(config, lane).name,
            lane=lane,
            outcome="skipped",
            version=workspace.version(lane),
            reasons=(no_reason(decision),),
        )
        for lane, decision in decided.items()
    )
    return RunResult(run_id="", models=models, seconds=0.0, serving=config.serving)


def no_reason(decision: Decision) -> str:
    """The line that says why a model was not trained, and what would."""
    return f"no reason to train: {'; '.join(decision.reasons)} (`--set when.always=true` trains all the same)"
