"""`easel stylize`: the pushed style network at work, with what artists ask for."""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.commands import options
from pipeline.commands.images import painting_options
from pipeline.terminal import quiet
from trainer.base.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from easel_serving.painting.engines import Code, Engine
    from easel_serving.painting.enlarging import Enlarge
    from easel_serving.painting.files import Photo
    from easel_serving.painting.painter import Finish
    from easel_serving.painting.part import Part
    from easel_serving.painting.styles import Style


@click.command(short_help="Paint photos with the model that serves.")
@painting_options.content
@click.option(
    "--style",
    "style",
    metavar="PAINTING[=WEIGHT]",
    multiple=True,
    help="The file of a painting, or the name of a known one; several are mixed, by their weights (wave.jpg=0.7).",
)
@click.option("--strength", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="0 is the photo itself.")
@painting_options.mask
@painting_options.subject_only
@painting_options.background_only
@painting_options.box
@painting_options.or_all
@click.option(
    "--region",
    "regions",
    metavar="MASK PAINTING",
    multiple=True,
    type=(click.Path(path_type=Path), str),
    help="Paint what is white in MASK like another PAINTING; may be repeated.",
)
@painting_options.keep_colours
@click.option(
    "--brush",
    type=click.IntRange(64, 2048),
    metavar="PIXELS",
    help="Paint strokes as large as in a painting of this size (its shorter side): larger is broader.  [default: 256]",
)
@click.option(
    "--denoise", type=click.FloatRange(0, 30), default=0.0, metavar="H", help="Smooth by non-local means; 3 is mild."
)
@click.option(
    "--sharpen", type=click.FloatRange(0, 5), default=0.0, metavar="AMOUNT", help="Sharpen afterwards; 0.5 is mild."
)
@painting_options.size
@painting_options.paper
@painting_options.dpi
@painting_options.bleed
@painting_options.super_resolution
@click.option(
    "--format", "suffix", type=click.Choice(["jpg", "png", "tif"]), help="For a folder.  [default: as the photos]"
)
@painting_options.preview
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Where to write it: a file, or a folder."
)
@options.serving
@options.server
@options.model
@options.runtime
@options.as_json
def stylize(
    content: Path,
    style: tuple[str, ...],
    strength: float,
    mask: Path | None,
    only: str | None,
    box: str | None,
    or_all: bool,
    regions: tuple[tuple[Path, str], ...],
    keep_colours: str | None,
    brush: int | None,
    denoise: float,
    sharpen: float,
    size: int | None,
    paper: str | None,
    dpi: float | None,
    bleed: float,
    super_resolution: str | None,
    suffix: str | None,
    preview: Path | None,
    output: Path,
    serving: Path,
    server: str | None,
    model: str | None,
    runtime: str,
    as_json: bool,
) -> None:
    """Paint photos in the manner of paintings, with the version that serves.

    A picture has the photo's size (any size, unless a server paints it), its EXIF, colour profile and DPI, and the
    format that the name of the output asks for. Of several photos the bad ones are listed at the end; the exit code is
    then 2.
    """
    options.one_place(server, runtime)
    if not style and not regions:
        raise UserError("--style: name a painting's file or a known painting")
    pairs = painting_options.pairs(content, output, suffix)
    part = painting_options.part(only, box, or_all, mask)
    sheet = painting_options.sheet(paper, dpi, size, bleed, super_resolution)
    with quiet.capture(Path(os.devnull)):
        from easel_serving.painting import painter, styles

        wishes = Wishes(
            mix=[styles.parse(text) for text in style],
            mask=mask,
            part=part,
            regions=[(path, styles.parse(text)) for path, text in regions],
            keep_colours=keep_colours,
            size=size,
            sheet=sheet,
            broad=brush is None and super_resolution != "off" and bool(super_resolution or size or paper),
            finish=painter.Finish(strength, keep_colours == "luminance", brush, denoise, sharpen, sheet.enlarge),
        )
    with (
        painting_options.painting(pairs, wishes.files(), preview, as_json) as painting,
        _engine(painting, serving, server, model, runtime, sheet.enlarge) as engine,
    ):
        painting.each(functools.partial(_paint, engine, wishes, _codes(engine, wishes), painting.work.warn))


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What the options ask for, of every photo."""

    mix: "list[Style]"
    mask: Path | None
    part: "Part | None"
    """What of a photo `mix` is painted on, where that is found."""
    regions: "list[tuple[Path, Style]]"
    keep_colours: str | None
    size: int | None
    sheet: painting_options.Sheet
    broad: bool
    """Whether large pictures get broader strokes, see `painter.print_brush`."""
    finish: "Finish"

    def layers(self) -> "list[tuple[Path | None, list[Style]]]":
        """What is painted and where, from below: a mask, or None for everywhere, and a mix of styles."""
        first = [(self.mask, self.mix)] if self.mix else []
        return [*first, *((mask, [style]) for mask, style in self.regions)]

    @property
    def shows_photo(self) -> bool:
        """Whether something of the photo itself is seen in the picture."""
        everywhere = self.part is None and any(mask is None for mask, _ in self.layers())
        return not everywhere or self.finish.strength < 1

    def files(self) -> list[Path]:
        """What is read besides the photos, and perhaps names of paintings."""
        paintings = [Path(style.source) for _, mix in self.layers() for style in mix]
        return [*(mask for mask, _ in self.layers() if mask), *paintings]


def _codes(engine: "Engine", wishes: Wishes) -> "Callable[[Photo], list[Code]]":
    """Gives the layers' style codes for a photo. What is wrong with a painting or a mask is said here, once for all."""
    import numpy as np
    from easel_serving.images import prepare
    from easel_serving.painting import styles

    for mask, _ in wishes.layers():
        if mask:
            prepare.checked(mask)
    mixes = [mix for _, mix in wishes.layers()]

    def codes(colours_of: "np.ndarray | None") -> "list[Code]":
        return [styles.code(engine, mix, colours_of) for mix in mixes]

    if wishes.keep_colours != "histogram":
        known = codes(None)
        return lambda photo: known
    codes(np.zeros((8, 8, 3), np.uint8))
    return lambda photo: codes(photo.pixels)


def _paint(
    engine: "Engine",
    wishes: Wishes,
    codes: "Callable[[Photo], list[Code]]",
    warn: Callable[[str], None],
    path: Path,
    target: Path,
    show: painting_options.Show | None,
) -> None:
    from easel_serving.painting import enlarging, files, masks, painter, paper, subject

    sheet, finish = wishes.sheet, wishes.finish
    enlarge = sheet.enlarge if wishes.shows_photo else enlarging.bicubic
    photo = files.read(path, wishes.size, sheet.within, enlarge)
    shape = photo.pixels.shape[:2]
    if wishes.broad:
        finish = dataclasses.replace(finish, brush=painter.print_brush(shape, photo.scale))
    if sheet.dpi and (word := paper.honest(sheet.dpi, photo.scale)):
        warn(f"{path}: {word}")
    found = subject.masked(photo.pixels, wishes.part, photo.scale) if wishes.part and wishes.mix else None
    layers = [
        painter.Layer(code, masks.read(mask, *shape) if mask else found if mix is wishes.mix else None)
        for code, (mask, mix) in zip(codes(photo), wishes.layers(), strict=True)
    ]
    for picture in painter.paint(engine, photo.pixels, layers, finish, preview=show is not None):
        if show and picture.shape != photo.pixels.shape:
            show(picture)
    files.write(picture, target, photo, sheet.dpi, sheet.margin)


@contextlib.contextmanager
def _engine(
    painting: painting_options.Painting,
    serving: Path,
    server: str | None,
    model: str | None,
    runtime: str,
    enlarge: "Enlarge",
) -> "Iterator[Engine]":
    if server:
        from easel_serving.painting.engines import ServerEngine

        with options.client(server, style=model) as client:
            yield ServerEngine(client, enlarge)
    else:
        from easel_serving.local import LocalModels

        yield LocalModels(serving, runtime, painting.work.warn).engine(model)
