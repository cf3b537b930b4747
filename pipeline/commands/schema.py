"""`easel schema`: what is expected of the images, and whether they are so."""

from pathlib import Path

import click

from pipeline.commands import options
from pipeline.history.result import OK, STOPPED
from pipeline.terminal.console import working


@click.group(short_help="Propose the schemas; see what images would violate.")
def schema() -> None:
    """The schemas are the contracts that images must keep to, one for each folder: edit them as you like.

    A run proposes what is missing. Nothing overwrites a file that exists; an edit re-runs what depends on it.
    """


@schema.command()
@options.config_file
@options.overrides
@click.option("--replace", is_flag=True, help="Propose anew where there is a file; it is kept as FILE.1, FILE.2, ...")
@options.as_json
def propose(config: Path, overrides: tuple[str, ...], replace: bool, as_json: bool) -> None:
    """Write a schema for each folder of CONFIG that has none, from its classes and measures."""
    from pipeline.configuration import config as configuration
    from pipeline.planning import schema as work

    with working("reading the folders"):
        proposals = work.propose(configuration.load(config, overrides), replace)
    if as_json:
        options.print_json([vars(each) for each in proposals])
        return
    for each in proposals:
        why = {"kept": " (exists; --replace proposes anew)", "replaced": f" (the old one is {each.backup})"}
        click.echo(f"{each.lane}: {each.outcome} {each.path}{why.get(each.outcome, '')}")


@schema.command()
@options.config_file
@options.overrides
@click.option("--folder", type=click.Path(exists=True, file_okay=False), help="Look at these images instead: new ones.")
@click.option("--lane", help="Whose schema --folder is held against: photos, style-photos or paintings.")
@click.option("--unlabelled", is_flag=True, help="--folder has no class folders: photos as a served model gets them.")
@options.as_json
def diff(
    config: Path, overrides: tuple[str, ...], folder: str | None, lane: str | None, unlabelled: bool, as_json: bool
) -> int:
    """Show what images violate in the schemas; the exit code is 3 when they do.

    Looks at the folders of CONFIG, or with --folder at others before they are added to them.
    """
    from pipeline.configuration import config as configuration
    from pipeline.planning import schema as work

    resolved = configuration.load(config, overrides)
    lanes = work.data_folders(resolved)
    if folder is None and (lane or unlabelled):
        raise click.UsageError("--lane and --unlabelled say what --folder is: give that, too")
    lane = lane or next(iter(lanes))
    if lane not in lanes:
        raise click.BadParameter(f"{lane!r} is none of {', '.join(lanes)}", param_hint="--lane")
    environment = work.contract.SERVING if unlabelled else work.contract.TRAINING
    with working("reading the folders"):
        found = work.diff(resolved, {lane: folder} if folder else lanes, environment)
    options.answer(as_json, [each.to_json() for each in found], work.render(found))
    return STOPPED if any(each.violations or each.missing_classes for each in found) else OK
