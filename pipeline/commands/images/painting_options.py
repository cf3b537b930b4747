"""What the commands that take photos share: options, folders, many photos with a progress bar, previews."""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.images import many
from pipeline.commands.images.outputs import Outputs
from pipeline.terminal.console import plain
from trainer.base.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from easel_serving.painting.enlarging import Enlarge
    from easel_serving.painting.part import Part
    from rich.console import Console
    from rich.text import Text

_COLUMNS = 72
_FREE = 4
"""Lines of the terminal that a picture leaves to the rest."""


class _Number(click.FloatRange):
    """As its base, which takes `nan` for a number of any range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See `click.FloatRange`."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


content = click.option(
    "--content",
    metavar="PHOTO",
    required=True,
    type=click.Path(path_type=Path),
    help="The photo to paint, or a folder of photos.",
)
mask = click.option(
    "--mask", metavar="FILE", type=click.Path(path_type=Path), help="Paint only what is white in this image."
)
subject_only = click.option(
    "--subject-only", "only", flag_value="subject", help="Paint only the subject, which is found without a mask."
)
background_only = click.option(
    "--background-only", "only", flag_value="background", help="Paint only what is around the subject."
)
box = click.option(
    "--box",
    metavar="LEFT,TOP,WIDTH,HEIGHT",
    help="Where the subject is, in pixels of the photo.  [default: looked for in the middle]",
)
or_all = click.option("--or-all", is_flag=True, help="Paint the whole photo when no subject is found.")
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
paper = click.option(
    "--print",
    "paper",
    metavar="PAPER",
    help="Make the picture as large as fits on A0 to A6, 50x70cm, 8x10in, ..., at --dpi or 300.",
)
dpi = click.option(
    "--dpi", type=_Number(1, 4800), help="Dots per inch of a print.  [default: the photo's; 300 on paper]"
)
bleed = click.option(
    "--bleed",
    type=_Number(0, 20),
    default=0.0,
    metavar="MM",
    help="Mirror so many millimetres around a print, to be cut away.",
)
super_resolution = click.option(
    "--super-resolution",
    type=click.Choice(["on", "off"]),
    help="Paint large pictures smaller and enlarge them by a network, or paint and interpolate every pixel.  "
    "[default: on, where pictures are enlarged]",
)
preview = click.option(
    "--preview",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An image file for a picture that is there before the work is done.",
)

Show = Callable[["np.ndarray"], None]
"""Shows a picture, uint8 [H, W, 3], before the work is done."""
Job = Callable[[Path, Path, Show | None], None]
"""Paints one photo into one file; has somewhere to show what is there before, or None."""


def part(only: str | None, box: str | None, or_all: bool, mask: Path | None) -> "Part | None":
    """What the options for painting without a mask ask for; raises UserError for what does not go together."""
    from easel_serving.painting.part import Part, parse_box

    if only is None:
        if box is not None or or_all:
            raise UserError(
                f"{'--box' if box is not None else '--or-all'}: goes with --subject-only, --background-only"
            )
        return None
    if mask is not None:
        raise UserError(f"--mask: goes without --{only}-only")
    try:
        return Part(only == "background", box and parse_box(box), or_all)
    except ValueError as error:
        raise UserError(f"--box: {error}") from None


@dataclasses.dataclass(frozen=True)
class Sheet:
    """What a picture is to be printed on; `sheet` makes it."""

    within: tuple[int, int] | None
    """Shorter and longer side of the paper in pixels."""
    dpi: float | None
    margin: int
    """Pixels that are mirrored around the picture."""
    enlarge: "Enlarge"


def sheet(paper: str | None, dpi: float | None, size: int | None, bleed: float, super_resolution: str | None) -> Sheet:
    """What the options for prints ask for; raises UserError for what is no paper, too large or does not go together."""
    from easel_serving.painting import enlarging
    from easel_serving.painting import paper as papers

    within = None
    if paper is not None:
        if size is not None:
            raise UserError("--print and --size: give one of them")
        try:
            within = papers.pixels(paper, dpi or papers.DPI)
        except ValueError as error:
            raise UserError(f"--print: {error}") from None
    elif bleed and not dpi:
        raise UserError("--bleed: goes with --print, or with --dpi")
    dpi = dpi or (within and papers.DPI)
    enlarge = enlarging.chosen(super_resolution and super_resolution == "on")
    return Sheet(within, dpi, papers.bleed(bleed, dpi or papers.DPI), enlarge)


def photos(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and of folders the photos in and below them, by name; says what is passed over there.

    Raises:
        UserError: a folder has no photo, or cannot be read.
    """
    from components.image_folder_example_gen.inspection.photos import photos as listed

    found: list[Path] = []
    passed_over: list[tuple[Path, str]] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = listed(path)
        if not inside.files:
            raise UserError(f"{path}: no photo in this folder")
        found += inside.files
        passed_over += inside.passed_over
    if passed_over:
        (path, why), more = passed_over[0], len(passed_over) - 1
        others = f", and {more} more {'file' if more == 1 else 'files'}" if more else ""
        click.echo(f"easel: passed over {plain(path)} ({plain(why)}){others}", err=True)
    return found


def pairs(content: Path, output: Path, suffix: str | None = None) -> list[tuple[Path, Path]]:
    """Each photo and the file that its picture goes to; a folder's pictures get their photos' places and names.

    Raises:
        UserError: no photo, no folder to write to, a folder that its own photos are in, or a name that asks for no
            image format.
    """
    if not content.is_dir():
        if output.is_dir():
            output = output / f"{content.stem}.{suffix or 'png'}"
        return [(content, writable(output))]
    there, here = output.resolve(), content.resolve()
    if there == here or there in here.parents:
        raise UserError(f"{output}: the photos are in this folder; name another for their pictures")
    if output.exists() and not output.is_dir():
        raise UserError(f"{output}: is a file; the pictures of a folder need a folder")
    found = [path for path in photos([content]) if not path.parent.resolve().is_relative_to(there)]
    if not found:
        raise UserError(f"{content}: no photo in this folder")
    targets: dict[Path, Path] = {}
    for path in found:
        target = output / _renamed(path.relative_to(content), suffix)
        if target in targets:
            raise UserError(f"{path} and {targets[target]} would both become {target}; rename one")
        targets[target] = path
    return [(path, target) for target, path in targets.items()]


def writable(path: Path) -> Path:
    """The path itself; raises UserError when it names no image format, or its folder is not there."""
    from easel_serving.painting import files

    files.kind(path)
    if not path.absolute().parent.is_dir():
        raise UserError(f"{path}: the folder {path.absolute().parent} does not exist")
    return path


class Painting:
    """Photos on their way to pictures; `painting` makes it."""

    def __init__(self, work: many.Work, pairs: Sequence[tuple[Path, Path]], outputs: Outputs, preview: Path | None):
        self.work, self._pairs, self._outputs, self._preview = work, pairs, outputs, preview

    def each(self, job: Job) -> None:
        """Does a job for each photo; what it shows goes to the preview's file, or for one photo to the terminal."""
        watched = self._preview or (len(self._pairs) == 1 and _colourful(self.work.screen))
        for photo, target in self._pairs:
            with self.work.on(photo):
                self._outputs.check(target)
                job(photo, target, self._show if watched else None)
                self._outputs.wrote(target)
                self.work.bar.keep_picture()
                self.work.done(str(target), path=photo, output=target)

    def _show(self, picture: "np.ndarray") -> None:
        if self._preview:
            from easel_serving.painting import files

            files.write(picture, self._preview)
        else:
            self.work.bar.picture(_in_blocks(picture, self.work.screen.width, self.work.screen.height))


@contextlib.contextmanager
def painting(
    pairs: Sequence[tuple[Path, Path]], read: Iterable[Path], preview: Path | None, as_json: bool, slow: bool = False
) -> Iterator[Painting]:
    """Yields what paints photos; see `many.work` for bad ones.

    `read` is what else the command reads. The document is `[{"path", "output"} or {"path", "error"}]`.

    Raises:
        UserError: an output is one of the files that are read; nothing has been written then.
    """
    outputs = Outputs([*(photo for photo, _ in pairs), *read])
    for path in (*(target for _, target in pairs), *([writable(preview)] if preview else [])):
        outputs.check(path)
    with many.work("painted", len(pairs), as_json, slow) as work:
        yield Painting(work, pairs, outputs, preview)


def _colourful(screen: "Console") -> bool:
    """Whether a picture in blocks of colours is more than a field of blocks there."""
    return screen.is_terminal and screen.color_system is not None and not screen.no_color


def _in_blocks(picture: "np.ndarray", width: int, height: int) -> "Text":
    """The picture in a terminal's colours, two pixels to a character; it leaves some lines of the terminal free."""
    import numpy as np
    from PIL import Image
    from rich.text import Text

    tall, wide = picture.shape[:2]
    most = max(1, height - _FREE)
    columns = max(1, min(width, _COLUMNS, round(2 * most * wide / tall)))
    lines = max(1, min(most, round(columns * tall / wide / 2)))
    small = np.asarray(Image.fromarray(picture).resize((columns, 2 * lines)))
    blocks = [
        Text.assemble(
            *(("\u2580", f"rgb({r},{g},{b}) on rgb({x},{y},{z})") for (r, g, b), (x, y, z) in zip(*pair, strict=True))
        )
        for pair in zip(small[::2], small[1::2], strict=True)
    ]
    return Text("\n").join(blocks)


def _renamed(path: Path, suffix: str | None) -> Path:
    if suffix:
        return path.with_suffix(f".{suffix}")
    return path if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".tif", ".tiff") else path.with_suffix(".png")
