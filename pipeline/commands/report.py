"""`easel report`."""

import os
from pathlib import Path

import click

from pipeline.commands import options
from pipeline.terminal import quiet
from trainer.errors import UserError


@click.command(short_help="Write the page that shows what a run came to.")
@click.argument("name", metavar="[RUN]", default="latest")
@options.workspace
@options.as_json
def report(name: str, workspace: Path, as_json: bool) -> None:
    """Write the report of a run, as every run does at its end: one HTML file, to look at offline or to print.

    It shows the verdict and the figures behind it, learning curves, mistakes, pictures, slices, TFLite variants, the
    data, and the trend over the last runs. RUN is a name from `easel runs`, its beginning, or `latest`.
    """
    from pipeline.history import configuration, story
    from pipeline.history.store import Store

    store = Store(workspace)
    run = story.find(store, name)
    config = configuration.restore(configuration.recorded(run))
    if config is None:
        raise UserError(f"run {run.id}: its configuration was not recorded, or by another version of Easel")
    with quiet.capture(Path(os.devnull)):
        from pipeline.history.verdicts import Outputs
        from pipeline.pages.report import page

        outputs = Outputs(run)
        path = page.write(store, outputs, page.gather(config, outputs), workspace / "runs" / run.id)
    if as_json:
        options.print_json({"run": run.id, "report": path.absolute()})
    else:
        click.echo(path.absolute())
