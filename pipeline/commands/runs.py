"""`easel runs`: what every run came to, and why."""

import dataclasses
import itertools
from pathlib import Path
from typing import get_args

import click

from pipeline.commands import options
from pipeline.history.result import Outcome


@click.group(invoke_without_command=True, short_help="List the runs of a workspace, or explain one.")
@options.workspace
@click.option("--verdict", type=click.Choice(get_args(Outcome)), help="Only runs in which a model came to this.")
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many of the latest runs.")
@options.as_json
@click.pass_context
def runs(context: click.Context, workspace: Path, verdict: str | None, last: int, as_json: bool) -> None:
    """List the runs of a workspace, the newest first: when, how long, and what each model came to.

    Everything is read from ML Metadata and the artifacts, also while a run is at work.
    """
    context.obj = workspace
    if context.invoked_subcommand is not None:
        return
    from pipeline.history import story
    from pipeline.history.store import Store
    from pipeline.terminal import history_view  # what they import would slow `easel --help` down

    store = Store(workspace)
    summaries = (story.summarize(store.run(run.id)) for run in store.runs())
    wanted = (each for each in summaries if verdict in (None, *(model.outcome for model in each.models)))
    found = list(itertools.islice(wanted, last))
    if as_json:
        options.print_json([dataclasses.asdict(each) for each in found])
    elif found:
        options.print_for_people(history_view.table(found))
    elif store.exists:
        click.echo(f"No run in {workspace.absolute()} had the verdict {verdict}.")
    else:
        click.echo(f"Nothing ran in {workspace.absolute()} yet: `easel run CONFIG` does; --workspace names another.")


@runs.command()
@click.argument("name", metavar="RUN", default="latest")
@click.option("--workspace", "own", type=click.Path(path_type=Path, file_okay=False), help="As of `easel runs`.")
@options.as_json
@click.pass_obj
def show(workspace: Path, name: str, own: Path | None, as_json: bool) -> None:
    """Explain one run: its reason, data, configuration, components, metrics, verdicts and files.

    RUN is a name from the list, its beginning, or `latest`.
    """
    from pipeline.history import story
    from pipeline.history.store import Store
    from pipeline.terminal import history_view

    store = Store(own or workspace)
    found = story.tell(store, story.find(store, name))
    options.answer(as_json, found.to_json(), history_view.story(found))
