"""`easel lineage`."""

import dataclasses
from pathlib import Path

import click

from pipeline.commands import options


@click.command(short_help="Where a version came from, or which versions saw a photo.")
@click.argument("name", metavar="[MODEL", required=False)
@click.argument("version", metavar="VERSION]", type=click.IntRange(min=1), required=False)
@click.option("--photo", type=click.Path(path_type=Path, dir_okay=False), help="Which versions saw this file?")
@click.option(
    "--graph",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw it: a .dot file, or .svg, .png and .pdf by Graphviz.",
)
@options.everything
@options.serving
@options.workspace
@options.as_json
@click.pass_context
def lineage(
    context: click.Context,
    name: str | None,
    version: int | None,
    photo: Path | None,
    graph: Path | None,
    everything: bool,
    serving: Path,
    workspace: Path,
    as_json: bool,
) -> None:
    """Follow a served version back to its files, configuration, code and metrics: `easel lineage MODEL VERSION`.

    Or follow a photo forward, `easel lineage --photo FILE`: the versions whose data held it, by its content, whatever
    its name. Both read ML Metadata; the workspace is the one that the version's manifest names, unless one is given.
    """
    if (version is None) == (photo is None) or (photo and (name or graph)):
        raise click.UsageError("give MODEL and VERSION, with --graph if you like, or --photo FILE alone", context)
    from easel_serving.registry.directory import Directory

    from pipeline.history import graph as drawing
    from pipeline.history import lineage as history
    from pipeline.history.store import Store
    from pipeline.terminal import history_view

    given = context.get_parameter_source("workspace") is not click.core.ParameterSource.DEFAULT
    if photo:
        sightings = history.of_photo(Store(workspace), photo)
        if as_json:
            options.print_json([dataclasses.asdict(each) for each in sightings])
        else:
            options.print_for_people(history_view.sightings(photo, sightings))
        return
    found = history.of_version(Directory(serving).version(name, version), workspace if given else None)
    if graph:
        drawing.write(found, graph)
    options.answer(as_json, found.to_json(), history_view.lineage(found, everything))
