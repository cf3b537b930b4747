"""Draws what a person wants to see of a classifier: its mistakes, how sure it is, how it learned, class by class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.pages.contact_sheet.sheet import FAINT, INK, PAPER, Confusion

_COLUMNS = 6
ALARM, ACCENT, BARS = "#b3261e", "#3f6fb0", "#d8dee9"


@dataclass(frozen=True)
class Answer:
    """One eval photo and what the classifier said of it.

    Attributes:
        photo: uint8 [H, W, 3].
        truth: its class.
        scores: class name -> score.
        attention: float [C, C], what each part of the photo does for the highest score (`explain.occlusion`).
    """

    photo: np.ndarray
    truth: str
    scores: Mapping[str, float]
    attention: np.ndarray | None = None


def answers(path: Path, blocks: Mapping[str, Sequence[Answer]]) -> None:
    """Writes grids of photos with their class and the three highest scores, a block with a title each, as PNG.

    Where there is an attention map, the photo is shown again with it: red spoke for the answer, blue against it.
    """
    tiles = [(title, tile) for title, block in blocks.items() for tile in _tiles(title, block)]
    rows = -(-len(tiles) // _COLUMNS)
    figure = Figure(figsize=(2.4 * _COLUMNS, 2.9 * rows), dpi=100, layout="constrained", facecolor=PAPER)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for each in axes:
        each.axis("off")
    for place, (_, draw) in zip(axes, tiles, strict=False):
        draw(place)
    _save(figure, path)


def report(
    path: Path, title: str, reliability: np.ndarray, confusion: Confusion, history: Mapping[str, Mapping[str, list]]
) -> None:
    """Writes the reliability diagram, the learning curves and the table of classes, side by side, as PNG.

    For `reliability`, float [3, B], see `evaluator.reliability`; `history` is Keras' history by phase.
    """
    rows = class_table(confusion)
    figure = Figure(figsize=(16, max(5.2, 1.6 + 0.34 * len(rows))), dpi=100, layout="constrained", facecolor=PAPER)
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=13)
    figure.get_layout_engine().set(wspace=0.06)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.1, 1.1))
    for axes in (left, middle):
        axes.spines[["top", "right"]].set_visible(False)
    draw_reliability(left, reliability)
    draw_history(middle, history)
    right.axis("off")
    right.set_title("by class", loc="left", color=INK)
    cells = [[name, *(f"{value:.3f}" for value in values[:3]), str(values[3])] for name, *values in rows]
    table = right.table(
        cells, colLabels=["class", "precision", "recall", "F1", "photos"], loc="upper left", edges="horizontal"
    )
    for (_, column), cell in table.get_celld().items():
        cell.set_edgecolor(BARS)
        cell.set_text_props(ha="right" if column else "left", color=INK)
    table.auto_set_font_size(False)
    table.set_fontsize(10)
    table.scale(1, 1.25)
    table.auto_set_column_width(range(5))
    _save(figure, path)


def class_table(confusion: Confusion) -> list[tuple[str, float, float, float, int]]:
    """Per class, the weakest first: name, precision, recall, F1 (0 where undefined) and the number of eval photos."""
    counts = np.asarray(confusion.counts)
    hits, true, guessed = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    rows = [
        (
            name,
            float(hits[i] / max(guessed[i], 1)),
            float(hits[i] / max(true[i], 1)),
            float(2 * hits[i] / max(true[i] + guessed[i], 1)),
            int(true[i]),
        )
        for i, name in enumerate(confusion.labels)
    ]
    return sorted(rows, key=lambda row: row[3])


def _tiles(title: str, block: Sequence[Answer]) -> list:
    """A function for each tile that draws it; the block begins with a tile of its own, the title."""
    tiles = [lambda axes: axes.text(0, 0.5, title, wrap=True, color=INK, fontsize=12, va="center")]
    for answer in block:
        tiles.append(lambda axes, answer=answer: _draw_answer(axes, answer))
        if answer.attention is not None:
            tiles.append(lambda axes, answer=answer: _draw_attention(axes, answer))
    return [*tiles, *([lambda axes: None] * (-len(tiles) % _COLUMNS))]


def _draw_answer(axes: Axes, answer: Answer) -> None:
    best = sorted(answer.scores.items(), key=lambda item: -item[1])[:3]
    axes.imshow(answer.photo)
    axes.set_title(answer.truth, color=INK, fontsize=10, fontweight="bold", loc="left", pad=3)
    lines = "\n".join(f"{score:.2f} {name}" for name, score in best)
    right = best[0][0] == answer.truth
    axes.text(0, -0.02, lines, transform=axes.transAxes, va="top", fontsize=8, color=INK if right else ALARM)


def _draw_attention(axes: Axes, answer: Answer) -> None:
    height, width = answer.photo.shape[:2]
    grey = np.repeat(answer.photo.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    limit = max(float(np.abs(answer.attention).max()), 1e-6)
    axes.imshow(grey)
    axes.imshow(
        answer.attention,
        extent=(0, width, height, 0),
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        alpha=0.5,
        interpolation="bilinear",
    )
    guess = max(answer.scores, key=answer.scores.get)
    axes.text(0, -0.02, f"what spoke for {guess}", transform=axes.transAxes, va="top", fontsize=8, color=FAINT)


def draw_reliability(axes: Axes, reliability: np.ndarray) -> None:
    """How often the classifier is right, over how sure it is; bars show how many photos there are."""
    count, confidence, correct = reliability
    held = count > 0
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":")
    axes.plot(confidence[held] / count[held], correct[held] / count[held], "o-", color=ACCENT, markersize=4)
    axes.bar(
        (np.arange(len(count)) + 0.5) / len(count),
        count / max(count.sum(), 1),
        0.9 / len(count),
        color=BARS,
        zorder=0,
    )
    error = float(np.abs(confidence - correct).sum() / max(count.sum(), 1))
    axes.set_title(f"how often it is right, when how sure (ECE {error:.3f})", loc="left", color=INK, fontsize=11)
    axes.set(xlabel="confidence", ylabel="right (line), share of photos (bars)", xlim=(0, 1), ylim=(0, 1))


def draw_history(axes: Axes, history: Mapping[str, Mapping[str, list]]) -> None:
    """Loss and accuracy by epoch through all phases, those of the photos kept for validation dashed."""
    start = 0
    for phase, curves in history.items():
        epochs = np.arange(start, start + len(curves["loss"])) + 1
        for name, style in (("loss", "-"), ("val_loss", "--")):
            if name in curves:
                axes.plot(epochs, curves[name], style, color=ACCENT, label=name if not start else None)
        for name, style in (("accuracy", "-"), ("val_accuracy", "--")):
            if name in curves:
                axes.plot(epochs, curves[name], style, color=ALARM, label=name if not start else None)
        axes.axvline(start + 0.5, color=FAINT, linewidth=0.8, linestyle=":")
        axes.text(start + 0.7, 0.02, phase, color=FAINT, transform=axes.get_xaxis_transform())
        start += len(curves["loss"])
    axes.set_title("learning", loc="left", color=INK, fontsize=11)
    axes.set_xlabel("epoch")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_above(axes)


def legend_above(axes: Axes) -> None:
    """The legend as a line above the axes, where it hides no curve."""
    axes.legend(
        frameon=False, loc="lower right", bbox_to_anchor=(1.01, 1.0), ncols=4, fontsize=8, handlelength=1.4,
        columnspacing=1.2, borderpad=0,
    )  # fmt: skip


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure).print_png(str(path))
