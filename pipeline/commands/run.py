"""`easel run`."""

from __future__ import annotations

import dataclasses
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.commands import options
from pipeline.commands.failures import Fault
from pipeline.configuration.secrets import Mask
from pipeline.history.result import BAD_INPUT, OK, RunResult
from pipeline.progress.events import Events
from pipeline.running import interruption, lock
from pipeline.terminal import quiet
from pipeline.terminal.console import console, working
from pipeline.terminal.live import LiveView
from pipeline.terminal.plain import PlainView
from trainer.base.errors import UserError

if TYPE_CHECKING:  # pydantic is half a second that `easel --help` need not wait for
    from pipeline.configuration.config import Config
    from pipeline.configuration.hooks import HookOptions


@click.command(short_help="Train, measure and push what CONFIG describes.")
@options.config_file
@options.only
@options.overrides
@click.option("--dry-run", is_flag=True, help="Say what would run and why; run and write nothing.")
@options.as_json
def run(config: Path, only: str | None, overrides: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Run the pipeline: read, validate, train, evaluate and push what CONFIG describes.

    What has not changed since the last run is served from cache: a second run with nothing new trains and pushes
    nothing. A run that was killed goes on from where it stopped.
    """
    began = time.time()
    from pipeline.configuration import config as configuration
    from pipeline.planning import disk_space, nesting, preflight
    from pipeline.running import announcement, hooks
    from pipeline.terminal import summary

    resolved = configuration.load(config, overrides)
    preflight.require_known_workspace(resolved, config)
    if only:
        resolved = resolved.only(only)
    if dry_run:
        _look_ahead(resolved, as_json)
        return OK
    if faults := disk_space.unwritable(resolved):  # before the log and the lock, which lie there, too
        raise _after_hooks(resolved.on, UserError(f"{faults[0]}; nothing was started"), Path(os.devnull))
    with interruption.terminable(), lock.hold(resolved.workspace) as stale:
        log = resolved.workspace / "logs" / f"{time.strftime('%Y%m%d-%H%M%S')}.log"
        view = _view(f"easel run {config}", as_json)
        try:
            with quiet.capture(log), view:
                view.log_path(log)
                if stale:
                    logging.getLogger("easel").warning("took over the lock of a run that was killed: %s", stale)
                warnings = tuple(nesting.warnings(resolved))
                for warning in warnings:  # now, while whoever waits can still end it, and in the result
                    view.warning(warning)
                result = dataclasses.replace(_run(resolved, view, log, began), log=log, warnings=warnings)
        except KeyboardInterrupt as interrupt:
            code = interruption.exit_code(interrupt)
            raise Fault("interrupted; the next run goes on from here", code) from interrupt
        except Exception as error:
            raise _after_hooks(resolved.on, error, log) from error
    # The lock is given back: a command may use this workspace.
    outcomes = [model.outcome for model in result.models]
    result = announcement.make_up(resolved, dataclasses.replace(result, seconds=time.time() - began))
    warnings = hooks.call(resolved.on, outcomes, result.to_json(), log)
    result = dataclasses.replace(result, warnings=(*result.warnings, *warnings))
    options.answer(as_json, result.to_json(), summary.render(result))
    return result.exit_code


def _run(config: Config, view: Events, log: Path, began: float) -> RunResult:
    try:
        view.phase("looking at the folders")
        from pipeline.planning import preflight, workspace_state
        from pipeline.running import settled

        now = workspace_state.WorkspaceState(config)
        preflight.require_room(config, now)
        decided = preflight.decisions(config, now)
        if preflight.nothing_to_do(decided):
            return preflight.skipped(config, now, decided)
        if found := settled.find(config, decided):
            view.phase(f"nothing changed since run {found.run.id}, whose outcome stands")
            return found.result(config)
        preflight.require_weights(config, decided)
        # It takes some ten seconds, and what it says meanwhile belongs in the log.
        view.phase("loading TensorFlow and TFX")
        from pipeline.running.run import run as run_pipeline

        return run_pipeline(config, view, log, decided, began)
    except UserError:
        raise
    except Exception:
        logging.getLogger("easel").exception("the run failed")
        raise


def _look_ahead(config: Config, as_json: bool) -> None:
    from pipeline.planning import nesting, preflight, workspace_state
    from pipeline.running import dry_run_report, settled

    now = workspace_state.WorkspaceState(config)
    with working("looking at the folders"):
        decided = preflight.decisions(config, now)
        last = settled.find(config, decided)
    if last:
        found = dry_run_report.summed_up(last.components, decided)
    else:
        with working("asking TFX's cache: loading TensorFlow and TFX", aloud=True), quiet.capture(Path(os.devnull)):
            from pipeline.running.dry_run import look_ahead

            found = look_ahead(config, now, decided)
    found = dataclasses.replace(found, warnings=tuple(nesting.warnings(config)))
    options.answer(as_json, found.to_json(), dry_run_report.render(found))


def _after_hooks(commands: HookOptions, error: Exception, log: Path) -> Exception:
    """Tells the hook for failures about a run that ended without a result; the exception to raise."""
    from pipeline.running import hooks

    fault = error if isinstance(error, UserError) else Fault.of_system(error) or Fault.unexpected(error, log)
    code = BAD_INPUT if isinstance(fault, UserError) else fault.exit_code
    document = {"run_id": "", "models": [], "error": Mask()(str(fault)), "log": log, "exit_code": code}
    for warning in hooks.call(commands, ["failed"], document, log):
        click.echo(f"easel: warning: {warning}", err=True)
    return fault


def _view(title: str, as_json: bool) -> Events:
    """The live view on a terminal, plain lines without one; `--json` leaves standard output to the document."""
    stream = sys.stderr if as_json else sys.stdout
    if stream.isatty() and not console(file=stream).is_dumb_terminal:
        return LiveView(console(file=quiet.keep(stream)), title)
    return Events() if as_json else PlainView(quiet.keep(stream))
