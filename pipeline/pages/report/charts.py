"""Charts as SVG inside a page: drawn by matplotlib, coloured by the page's style sheet, light or dark."""

import html
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from pipeline.pages.contact_sheet.classifier_sheet import ACCENT, ALARM, BARS, legend_above
from pipeline.pages.contact_sheet.sheet import FAINT, INK, PAPER

_VARIABLES: Mapping[str, str] = {
    INK: "--ink",
    FAINT: "--faint",
    PAPER: "--card",
    ACCENT: "--c0",
    ALARM: "--c1",
    BARS: "--line",
    "#000000": "--ink",
}
"""The colours that the drawing code knows, and the page's own for them."""


@dataclass(frozen=True)
class Point:
    """One run in a trend: its day or moment, the figure, and what became of the candidate."""

    moment: str
    value: float
    outcome: str


def svg(draw: Callable[[Axes], None], label: str, width: float = 4.6, height: float = 3.0) -> str:
    """Draws on axes and returns an `<svg>` element.

    `label` is what screen readers say, and keeps the element's ids apart from those of other charts. Sizes are in
    inches of 72 pixels; the page scales it.
    """
    with matplotlib.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": label, "font.size": 9, "axes.spines.top": False,
         "axes.spines.right": False}
    ):  # fmt: skip
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.subplots()
        axes.patch.set_alpha(0)
        draw(axes)
        buffer = io.StringIO()
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    return _inline(buffer.getvalue(), label)


def steps(axes: Axes, history: Mapping[str, Sequence[float]]) -> None:
    """The style network's losses by step; the reproduction of photos comes first, content and style after it."""
    for name, colour in (("reproduction", FAINT), ("content", ACCENT), ("style", ALARM)):
        values = [value for value in history.get(name, ()) if value is not None]
        if values:
            axes.plot(history["step"][-len(values) :], values, color=colour, linewidth=0.9, label=name)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("step")
    legend_above(axes)


def trend(axes: Axes, points: Sequence[Point], bound: float | None) -> None:
    """One metric over the last runs: filled where the candidate was pushed, hollow where not; the bound is dotted."""
    at = np.arange(len(points))
    axes.plot(at, [point.value for point in points], color=ACCENT, linewidth=1.2)
    for filled in (True, False):
        kept = [i for i, point in enumerate(points) if (point.outcome == "pushed") == filled]
        face = ACCENT if filled else PAPER
        axes.plot(at[kept], [points[i].value for i in kept], "o", color=ACCENT, markerfacecolor=face, markersize=5)
    if bound is not None:
        axes.axhline(bound, color=ALARM, linewidth=1, linestyle=":")
    shown = np.unique(np.linspace(0, len(points) - 1, min(4, len(points))).round().astype(int))
    axes.set_xticks(shown, [points[i].moment for i in shown])
    axes.set_xlim(-0.4, len(points) - 0.6)
    heights = [point.value for point in points] + ([bound] if bound is not None else [])
    room = max(0.2 * (max(heights) - min(heights)), 0.02 * max(map(abs, heights)), 1e-3)
    axes.set_ylim(min(heights) - room, max(heights) + room)
    axes.ticklabel_format(axis="y", useOffset=False)


def _inline(text: str, label: str) -> str:
    """An SVG document as an element of an HTML page, which knows the namespaces by itself."""
    element = text[text.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", element, flags=re.DOTALL)
    element = re.sub(r' xmlns(:xlink)?="[^"]*"', "", element).replace("xlink:href", "href")
    for size in ("width", "height"):
        element = re.sub(rf'(<svg[^>]*?) {size}="[^"]*"', r"\1", element, count=1)
    element = element.replace("<svg ", f'<svg class="chart" role="img" aria-label="{html.escape(label)}" ', 1)
    used = set(re.findall(r"#(\w+)", element))
    element = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", element)
    for colour, variable in _VARIABLES.items():
        element = element.replace(colour, f"var({variable})")
    # Text without a colour of its own is black, whatever the page's.
    return re.sub(r"<text style=\"(?![^\"]*fill)", '<text style="fill: var(--ink); ', element)
