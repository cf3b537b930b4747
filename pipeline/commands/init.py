"""`easel init`."""

import os
import shlex
from pathlib import Path

import click

from pipeline.commands import options
from pipeline.terminal.console import working


@click.command(short_help="Write a configuration for the folders that there are.")
@click.argument("folder", metavar="[FOLDER]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@options.as_json
def init(folder: Path, as_json: bool) -> None:
    """Look for photos and paintings in FOLDER (the current one, unless given) and write `easel.yaml` for them, with a
    comment on each choice. A file that exists stays as it is.

    Photos of a classifier lie in one folder per class (also split into train/CLASS and test/CLASS), or beside a
    labels.csv; paintings in a folder called `paintings`. Where FOLDER's own folders are the classes, `easel.yaml` goes
    beside FOLDER.
    """  # noqa: D205 (the help text, in paragraphs)
    from pipeline.planning import discovery, first_configuration

    with working("looking at the folders"):
        found = discovery.discover(folder)
        path = first_configuration.write(found)
    inputs = {
        "classifier.photos": found.classifier_photos,
        "style.photos": found.style_photos,
        "style.paintings": found.paintings,
    }
    here = {key: images for key, images in inputs.items() if images}
    if as_json:
        options.print_json({"file": path, "inputs": {key: vars(images) for key, images in here.items()}})
        return
    click.echo(f"{path}:")
    for key, images in here.items():
        classes = f" in {len(images.classes)} classes" if images.classes else ""
        click.echo(f"  {key}: {images.count:,} images{classes} in {images.folder}")
    click.echo(f"Next: easel check {shlex.quote(os.path.relpath(path))}")
