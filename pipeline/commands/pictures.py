"""What the commands that paint share: options, many photos with a progress bar, previews."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.terminal import quiet
from pipeline.terminal.console import console
from trainer.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from rich.text import Text

_COLUMNS = 72

mask = click.option(
    "--mask", metavar="FILE", type=click.Path(path_type=Path), help="Paint only what is white in this image."
)
keep_colours = click.option(
    "--keep-colours",
    type=click.Choice(["luminance", "histogram"]),
    help="Keep the photo's colours: paint only light and shade, or give the paintings the photo's colours first.",
)
size = click.option(
    "--size",
    type=click.IntRange(16, 20_000),
    metavar="PIXELS",
    help="The picture's longest side.  [default: the photo's]",
)
dpi = click.option("--dpi", type=click.FloatRange(1), help="Dots per inch of a print.  [default: the photo's]")
preview = click.option(
    "--preview",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An image file for a picture that is there before the work is done.",
)

Show = Callable[["np.ndarray"], None]
"""Shows a picture, uint8 [H, W, 3], before the work is done."""
Job = Callable[[Path, Path, Show], None]
"""Paints one photo into one file."""


def pairs(content: Path, output: Path, suffix: str | None = None) -> list[tuple[Path, Path]]:
    """Each photo and the file that its picture goes to; a folder's pictures get its photos' places and names.

    Raises:
      UserError: no photo, no folder to write to, or a name that asks for no image format.
    """
    from easel_serving.painting import files

    from components.image_folder_example_gen.photos import photos as listed

    if not content.is_dir():
        if output.is_dir():
            output = output / f"{content.stem}.{suffix or 'png'}"
        if not output.absolute().parent.is_dir():
            raise UserError(f"{output}: the folder {output.absolute().parent} does not exist")
        files.kind(output)
        return [(content, output)]
    photos = [path for path in listed(content).files if output.absolute() not in path.absolute().parents]
    if not photos:
        raise UserError(f"{content}: no photo in this folder")
    if output.exists() and not output.is_dir():
        raise UserError(f"{output}: is a file; the pictures of a folder need a folder")
    targets: dict[Path, Path] = {}
    for path in photos:
        target = output / _renamed(path.relative_to(content), suffix)
        if target in targets:
            raise UserError(f"{path} and {targets[target]} would both become {target}; rename one")
        targets[target] = path
    return [(path, target) for target, path in targets.items()]


@contextlib.contextmanager
def progress(work: Sequence[tuple[Path, Path]], preview: Path | None = None) -> Iterator[Callable[[Job], None]]:
    """Yields a function that does a job for each pair; TensorFlow's flood meanwhile goes nowhere.

    What the job shows goes to the file `preview`, or for one photo to the terminal. One photo that fails is an error;
    of several, the others are painted all the same, and then it is.
    """
    from easel_serving.errors import ServingError
    from easel_serving.painting import files
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = console(file=quiet.keep(sys.stderr))
    out = quiet.keep(sys.stdout)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=screen, transient=True, disable=len(work) == 1 or not screen.is_terminal)
    failed: list[str] = []

    def show(picture: "np.ndarray") -> None:
        if preview:
            files.write(picture, preview)
        elif bar.disable and screen.is_terminal:
            screen.print(_in_blocks(picture, min(screen.width, _COLUMNS)))

    def each(job: Job) -> None:
        task = bar.add_task("painting", total=len(work))
        for photo, target in work:
            bar.update(task, description=photo.name)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                job(photo, target, show)
                print(target, file=out, flush=True)
            except (UserError, ServingError) as error:
                if len(work) == 1:
                    raise
                failed.append(str(error))
                screen.print(f"easel: {error}", soft_wrap=True)
            bar.advance(task)

    with quiet.capture(Path(os.devnull)), bar:
        yield each
    if failed:
        raise UserError(f"{len(failed)} of {len(work)} photos could not be painted; the others are")


def _in_blocks(picture: "np.ndarray", columns: int) -> "Text":
    """The picture in a terminal's colours, two pixels to a character."""
    import numpy as np
    from PIL import Image
    from rich.text import Text

    rows = round(columns * picture.shape[0] / picture.shape[1] / 2) * 2
    small = np.asarray(Image.fromarray(picture).resize((columns, max(2, rows))))
    lines = [
        Text.assemble(
            *(("\u2580", f"rgb({r},{g},{b}) on rgb({x},{y},{z})") for (r, g, b), (x, y, z) in zip(*pair, strict=True))
        )
        for pair in zip(small[::2], small[1::2], strict=True)
    ]
    return Text("\n").join(lines)


def _renamed(path: Path, suffix: str | None) -> Path:
    if suffix:
        return path.with_suffix(f".{suffix}")
    return path if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".tif", ".tiff") else path.with_suffix(".png")
