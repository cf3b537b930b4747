"""The `easel` command: what it offers, and how it fails. Heavy imports happen inside the commands."""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from pipeline.commands import (
    check,
    configuration,
    gc,
    init,
    lineage,
    models,
    orders,
    report,
    run,
    runs,
    schedule,
    schema,
    serve,
)
from pipeline.commands.failures import explain
from pipeline.commands.images import classify, paint, stylize
from pipeline.configuration.secrets import Mask
from pipeline.terminal import quiet
from pipeline.terminal.console import plain

EPILOG = """
\b
Exit codes:
  0   finished: every model pushed, or unchanged
  2   the configuration or the input is wrong
  3   a lane was stopped by data validation
  4   a candidate was not approved; the old version still serves
  75  another run holds the workspace
  1   anything else
"""


class Easel(click.Group):
    """A group of commands whose every failure is one line on standard error and a meaningful exit code."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:
        """Runs a command and exits; `standalone_mode` has no effect."""
        extra.pop("standalone_mode", None)
        try:
            code = super().main(args, prog_name or "easel", standalone_mode=False, **extra)
        except Exception as error:
            message, code = explain(error)
            click.echo(f"easel: {plain(Mask()(message))}", err=True)
        if args is None and "tensorflow" in sys.modules:  # the process is the command's own
            quiet.leave(code or 0)
        sys.exit(code or 0)

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order in which one needs them, not in the alphabet's."""
        return list(self.commands)


@click.group(
    cls=Easel, epilog=EPILOG, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="easel", prog_name="easel")
@click.pass_context
def main(context: click.Context) -> None:
    """Turns folders of photographs and paintings into two models that are safe to serve: an image classifier, and a
    network that paints photographs in the manner of the paintings.

    Start with `easel init FOLDER`, which writes a configuration for the photos and paintings that it finds, and with
    `easel check CONFIG.yaml`, which looks at them without training. Then `easel run CONFIG.yaml`
    trains, measures and pushes what passes. `easel runs` explains every run; `easel models` lists what was pushed;
    `easel classify` and `easel stylize` try it; `easel serve` serves it.
    """  # noqa: D205 (the help text, in paragraphs)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (
    init.init,
    check.check,
    run.run,
    runs.runs,
    report.report,
    lineage.lineage,
    gc.gc,
    schedule.schedule,
    models.models,
    classify.classify,
    stylize.stylize,
    paint.paint,
    serve.serve,
    orders.orders,
    configuration.config,
    schema.schema,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
