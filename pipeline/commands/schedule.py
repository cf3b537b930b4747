"""`easel schedule`."""

import os
import sys
from pathlib import Path

import click
from easel_serving.registry import files as whole_files

from pipeline.commands import options
from pipeline.terminal import quiet
from pipeline.terminal.console import working
from trainer.base.errors import UserError


@click.command(short_help="Write files that make a scheduler start `easel run`.")
@options.config_file
@click.option(
    "--as", "kind", type=click.Choice(["cron", "systemd", "airflow", "kubeflow"]), required=True, help="The scheduler."
)
@click.option("--at", "time", default="02:30", show_default=True, metavar="HH:MM", help="When, every day.")
@click.option("--image", metavar="IMAGE", help="kubeflow: the container image with Easel in it (see the Dockerfile).")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="the current folder",
    help="Where the files go.",
)
@options.overrides
@options.as_json
def schedule(
    config: Path, kind: str, time: str, image: str | None, output: Path, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Write ready files that start `easel run CONFIG` every day: a crontab line, a systemd service and timer, an
    Airflow DAG of one task, or a Kubeflow pipeline. Says which commands install them; these may be given again.

    The first three run the command as it is installed here, in the current folder. Kubeflow runs the components of the
    pipeline in containers instead.
    """  # noqa: D205 (the help text, in paragraphs)
    from pipeline.configuration import config as configuration
    from pipeline.planning import disk_space, preflight
    from pipeline.scheduling import schedule as files

    resolved = configuration.load(config, overrides)
    preflight.require_known_workspace(resolved, config)
    if faults := disk_space.unwritable(resolved):
        raise UserError(faults[0])
    hour, minute = files.at(time)
    output.mkdir(parents=True, exist_ok=True)
    unit = files.unit(resolved.name, config)
    commands: tuple[str, ...] = ("docs/unattended.md says what it needs",)
    if kind == "kubeflow":
        if not image:
            raise click.UsageError("--as kubeflow needs --image IMAGE", click.get_current_context())
        with working("compiling the pipeline: loading TFX", aloud=True), quiet.capture(Path(os.devnull)):
            from pipeline.scheduling.kubeflow import write

            written = [write(resolved, image, output / f"{unit}.json")]
    else:
        job = files.Job(
            name=resolved.name,
            unit=unit,
            easel=Path(sys.executable).with_name("easel"),
            config=config.absolute(),
            folder=Path.cwd(),
            workspace=resolved.workspace,
            hour=hour,
            minute=minute,
            variables=files.variables(config.read_text("utf-8")),
            overrides=overrides,
        )
        job.log.parent.mkdir(parents=True, exist_ok=True)
        written = []
        for name, text in files.WRITERS[kind](job).items():
            written.append(output / name)
            whole_files.write(written[-1], text)
        commands = files.INSTALL[kind](job, *written)
        if job.variables and not as_json:
            click.echo(f"Put {', '.join(job.variables)} into {job.environment_file}, readable by you alone.", err=True)
    if as_json:
        options.print_json({"files": [path.absolute() for path in written], "commands": commands})
        return
    for path in written:
        click.echo(path)
    click.echo("To use:")
    for command in commands:
        click.echo(f"  {command}")
