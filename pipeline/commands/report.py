"""`easel report`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.commands import options
from pipeline.terminal import quiet
from pipeline.terminal.console import working
from trainer.base.errors import UserError

if TYPE_CHECKING:
    from pipeline.history.records import Run
    from pipeline.history.store import Store


@click.command(short_help="Write the page that shows what a run came to.")
@click.argument("name", metavar="[RUN]", default="latest")
@options.workspace
@click.option("--again", is_flag=True, help="Draw the page anew where there is one: with today's trends and code.")
@options.as_json
def report(name: str, workspace: Path, again: bool, as_json: bool) -> None:
    """Name the report of a run, one HTML file to look at offline or to print; write it where it is missing.

    Every run writes its own at its end. It shows the verdict and the figures behind it, learning curves, mistakes,
    pictures, slices, TFLite variants, the data, and the trend over the last runs. RUN is a name from `easel runs`, its
    beginning, or `latest`.
    """
    from pipeline.history import story
    from pipeline.history.store import Store

    store = Store(workspace)
    run = story.find(store, name)
    path = story.files(workspace, run).get("report")
    if again or path is None:
        path = _draw(store, run)
    options.answer(as_json, {"run": run.id, "report": path.absolute()}, str(path.absolute()))


def _draw(store: Store, run: Run) -> Path:
    from pipeline.history import configuration

    config = configuration.restore(configuration.recorded(run))
    if config is None:
        raise UserError(f"run {run.id}: its configuration was not recorded, or by another version of Easel")
    doing = f"drawing the report of run {run.id}: loading TensorFlow"
    with working(doing, aloud=True), quiet.capture(Path(os.devnull)):
        from pipeline.history.verdicts import Outputs
        from pipeline.pages.report import page

        outputs = Outputs(run)
        return page.write(store, outputs, page.gather(config, outputs), store.workspace / "runs" / run.id)
