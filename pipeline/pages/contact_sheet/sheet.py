"""The contact sheet: one picture per run that shows what the two models do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont, ImageOps

TILE = 256
GAP = 8
APART = 20
MARGIN = 48
CAPTION = 34
INK, FAINT, PAPER = "#1b1b1f", "#74747c", "#ffffff"
_NUMBERED_CLASSES = 30
"""More classes than this and the figures in the cells would not be legible."""


@dataclass(frozen=True)
class Gallery:
    """Stylised pictures with what they were made of; pictures are uint8 arrays [height, width, 3] of any size.

    `stylised[i][j]` is photo i in the manner of painting j; names label the rows and columns.
    """

    photos: Sequence[np.ndarray]
    paintings: Sequence[np.ndarray]
    stylised: Sequence[Sequence[np.ndarray]]
    painting_names: Sequence[str]


@dataclass(frozen=True)
class Confusion:
    """`counts[i, j]` eval photos of class `labels[i]` were given `labels[j]`: an integer array [K, K]."""

    labels: Sequence[str]
    counts: np.ndarray


def contact_sheet(path: Path, title: str, gallery: Gallery | None, confusion: Confusion | None) -> None:
    """Writes the sheet as PNG: photos down, paintings across, and the classifier's confusion matrix below.

    The folder exists. `gallery` is None when no style network was trained, `confusion` when no classifier was.

    Raises:
        ValueError: there is nothing to show.
    """
    blocks = [_gallery(gallery)] if gallery else []
    blocks += [_confusion(confusion)] if confusion else []
    if not blocks:
        raise ValueError("a contact sheet needs a gallery or a confusion matrix")
    font = _font(30, bold=True)
    width = max([block.width for block in blocks] + [int(font.getlength(title))])
    height = 60 + sum(block.height for block in blocks) + MARGIN * (len(blocks) - 1)
    sheet = Image.new("RGB", (width + 2 * MARGIN, height + 2 * MARGIN), PAPER)
    ImageDraw.Draw(sheet).text((MARGIN, MARGIN), title, INK, font)
    top = MARGIN + 60
    for block in blocks:
        sheet.paste(block, (MARGIN, top))
        top += block.height + MARGIN
    sheet.save(path, optimize=True)


def _gallery(gallery: Gallery) -> Image.Image:
    rows, columns = len(gallery.photos), len(gallery.paintings)
    step = TILE + GAP
    first = TILE + APART
    size = (first + columns * step - GAP, CAPTION + first + rows * step - GAP)
    block = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(block)
    font = _font(17)
    draw.text((TILE, CAPTION + TILE // 2), "paintings", FAINT, font, anchor="rm")
    draw.text((TILE // 2, CAPTION + TILE), "photos", FAINT, font, anchor="mb")
    for column, (painting, name) in enumerate(zip(gallery.paintings, gallery.painting_names, strict=True)):
        left = first + column * step
        draw.text((left, CAPTION - 10), _shorten(name, font, TILE), INK, font, anchor="ls")
        block.paste(_tile(painting), (left, CAPTION))
    for row, (photo, painted) in enumerate(zip(gallery.photos, gallery.stylised, strict=True)):
        top = CAPTION + first + row * step
        block.paste(_tile(photo), (0, top))
        for column, picture in enumerate(painted):
            block.paste(_tile(picture), (first + column * step, top))
    return block


def _tile(picture: np.ndarray) -> Image.Image:
    """The middle of the picture, filling a tile: a photo and its stylised copy are cut alike."""
    return ImageOps.fit(Image.fromarray(picture), (TILE, TILE), Image.Resampling.LANCZOS)


def _confusion(confusion: Confusion) -> Image.Image:
    counts = np.asarray(confusion.counts)
    classes = len(confusion.labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(1.5 + 0.62 * classes, 4.5, 14))
    figure = Figure(figsize=(side + 1.5, side + 0.9), dpi=110, layout="constrained", facecolor=PAPER)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    small = 11 if classes <= 12 else 8
    axes.set_xticks(range(classes), confusion.labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=small)
    axes.set_yticks(range(classes), confusion.labels, fontsize=small)
    axes.set_xlabel("predicted", color=FAINT)
    axes.set_ylabel("actual", color=FAINT)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(classes - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(classes - 1) + 0.5, minor=True)
    axes.grid(which="minor", color=PAPER, linewidth=2)
    axes.tick_params(which="minor", length=0)
    total = int(counts.sum())
    accuracy = np.trace(counts) / max(total, 1)
    axes.set_title(f"{total:,} photos, {accuracy:.1%} right", loc="left", color=INK, fontsize=13, pad=12)
    if classes <= _NUMBERED_CLASSES:
        for (row, column), count in np.ndenumerate(counts):
            colour = PAPER if shares[row, column] > 0.5 else (INK if count else "#c8c8ce")
            axes.text(column, row, f"{count}", ha="center", va="center", color=colour, fontsize=small)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings along on every machine."""
    wanted = font_manager.FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return ImageFont.truetype(font_manager.findfont(wanted), size)


def _shorten(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
