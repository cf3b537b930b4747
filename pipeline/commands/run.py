"""`easel run`."""

import dataclasses
import logging
import sys
import time
from pathlib import Path

import click
from rich.console import Console

from pipeline import lock, quiet
from pipeline.commands import options
from pipeline.commands.faults import Fault
from pipeline.live import LiveView
from pipeline.progress import NullView, PlainView
from pipeline.results import INTERRUPTED
from trainer.errors import UserError


@click.command(short_help="Train, measure and push what CONFIG describes.")
@options.config_file
@options.only
@options.overrides
@options.as_json
def run(config: Path, only: str | None, overrides: tuple[str, ...], as_json: bool) -> int:
    """Run the pipeline: read, validate, train, evaluate and push what CONFIG describes.

    What has not changed since the last run is served from cache: a second run with nothing new trains and pushes
    nothing. A run that was killed goes on from where it stopped.
    """
    from pipeline import config as configuration
    from pipeline import summary

    resolved = configuration.load(config, overrides)
    if only:
        resolved = resolved.only(only)
    with lock.hold(resolved.workspace) as stale:
        log = resolved.workspace / "logs" / f"{time.strftime('%Y%m%d-%H%M%S')}.log"
        view = _view(f"easel run {config}", as_json)
        try:
            with quiet.capture(log), view:
                view.log_path(log)
                if stale:
                    logging.getLogger("easel").warning("took over the lock of a run that was killed: %s", stale)
                result = dataclasses.replace(_run(resolved, view, log), log=log)
        except KeyboardInterrupt as error:
            raise Fault("interrupted; the next run goes on from here", INTERRUPTED) from error
        except UserError:
            raise
        except Exception as error:
            raise Fault.unexpected(error, log) from error
    if as_json:
        options.print_json(result.to_json())
    else:
        options.print_for_people(summary.render(result))
    return result.exit_code


def _run(config, view, log):
    try:
        # TFX takes some ten seconds to import, and what it says meanwhile belongs in the log.
        from pipeline.runner import run as run_pipeline

        return run_pipeline(config, view, log)
    except UserError:
        raise
    except Exception:
        logging.getLogger("easel").exception("the run failed")
        raise


def _view(title: str, as_json: bool) -> LiveView | PlainView | NullView:
    """The live view on a terminal, plain lines without one; `--json` leaves standard output to the document."""
    stream = sys.stderr if as_json else sys.stdout
    if stream.isatty() and not Console(file=stream).is_dumb_terminal:
        return LiveView(Console(file=quiet.keep(stream)), title)
    return NullView() if as_json else PlainView(quiet.keep(stream))
