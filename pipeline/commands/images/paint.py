"""`easel paint`: style transfer without a trained network, by optimising the picture itself."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.commands import options
from pipeline.commands.images import painting_options
from trainer.base.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from pipeline.configuration.lanes import StyleLane
    from trainer.style.options import PaintOptions
    from trainer.style.painting.pixel_painting import Iterate
    from trainer.style.perceptual.network import Perceptual

_SECONDS = 2
"""Between two pictures of the live preview."""


@click.command(short_help="Paint photos by optimisation (Gatys): slow, needs no training.")
@painting_options.content
@click.option(
    "--style",
    "style",
    metavar="PAINTING[=WEIGHT]",
    multiple=True,
    required=True,
    help="The file of a painting; several are mixed, by their weights (wave.jpg=0.7).",
)
@painting_options.mask
@painting_options.keep_colours
@click.option("--size", type=click.IntRange(16, 4096), metavar="PIXELS", help="Instead of style.paint.side.")
@painting_options.paper
@painting_options.dpi
@painting_options.bleed
@painting_options.super_resolution
@painting_options.preview
@click.option(
    "--config",
    metavar="CONFIG",
    type=click.Path(path_type=Path),
    help="Has style.perceptual.weights (VGG19) and style.paint.  [default: easel.yaml, if there is one]",
)
@options.overrides
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Where to write it: a file, or a folder."
)
@options.as_json
def paint(
    content: Path,
    style: tuple[str, ...],
    mask: Path | None,
    keep_colours: str | None,
    size: int | None,
    paper: str | None,
    dpi: float | None,
    bleed: float,
    super_resolution: str | None,
    preview: Path | None,
    config: Path | None,
    overrides: tuple[str, ...],
    output: Path,
    as_json: bool,
) -> None:
    """Paint photos in the manner of paintings, each by an optimisation of its own: minutes, and better than a network.

    From coarse to fine the picture's pixels are changed until VGG19 sees the photo's content and the paintings' style
    in it (Gatys et al. 2016). The `--preview` file shows how far it is. Of several photos the bad ones are listed at
    the end; the exit code is then 2.
    """
    from easel_serving.painting import styles

    mix = [styles.parse(text) for text in style]
    for one in mix:
        if not one.is_file:
            raise UserError(f"{one.source}: no such file; a painting's name is not enough here")
    pairs = painting_options.pairs(content, output)
    sheet = painting_options.sheet(paper, dpi, None, bleed, super_resolution)
    paintings = [one.pixels() for one in mix]
    lane = _lane(config, overrides)
    chosen = lane.paint.model_copy(update={"side": size}) if size else lane.paint
    read = [Path(one.source) for one in mix] + ([mask] if mask else [])
    with painting_options.painting(pairs, read, preview, as_json, slow=True) as painting:
        from trainer.style.perceptual.network import Perceptual

        perceptual = Perceptual(lane.perceptual.weights, "replicate")
        weighed = list(zip(paintings, (one.weight for one in mix), strict=True))
        painting.each(
            functools.partial(_paint, painting.work.part, perceptual, chosen, weighed, mask, keep_colours, sheet)
        )


def _lane(path: Path | None, overrides: tuple[str, ...]) -> "StyleLane":
    """The style lane of a configuration; its defaults, with the overrides, where there is none."""
    from pipeline.configuration import config

    if path is None and Path("easel.yaml").is_file():
        path = Path("easel.yaml")
    found = config.load(path, overrides).style if path else None
    return found or config.style_alone(overrides)


def _paint(
    part: Callable[[float], None],
    perceptual: "Perceptual",
    chosen: "PaintOptions",
    weighed: "list[tuple[np.ndarray, float]]",
    mask: Path | None,
    keep_colours: str | None,
    sheet: painting_options.Sheet,
    path: Path,
    target: Path,
    show: painting_options.Show | None,
) -> None:
    import numpy as np
    from easel_serving.painting import colours, files, masks

    from trainer.style.painting import pixel_painting

    photo = files.read(path, chosen.side)
    white = masks.read(mask, *photo.pixels.shape[:2]) if mask else None
    if keep_colours == "histogram":
        weighed = [(colours.matched(painting, photo.pixels), weight) for painting, weight in weighed]
    shown = time.monotonic()

    def watch(iterate: "Iterate") -> None:
        nonlocal shown
        part(iterate.share)
        if show and time.monotonic() - shown > _SECONDS:
            shown = time.monotonic()
            show(np.rint(iterate.picture).astype(np.uint8))

    picture = pixel_painting.paint(photo.pixels, weighed, perceptual, chosen, white, watch)
    if keep_colours == "luminance":
        picture = colours.with_luminance(photo.pixels, picture)
    if sheet.within:
        # What is painted at `style.paint.side` is enlarged: to paint every pixel of a print would take days.
        photo = files.read(path, within=sheet.within)
        picture = sheet.enlarge(picture, *photo.pixels.shape[:2])
    files.write(picture, target, photo, sheet.dpi, sheet.margin)
