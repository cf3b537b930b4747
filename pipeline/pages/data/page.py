"""Writes the page: everything is in the one file, and nothing is loaded from elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from easel_serving.registry import files

from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import data_folders, gated_parts
from pipeline.history.verdicts import Outputs
from pipeline.pages import html
from pipeline.pages.data import charts
from pipeline.pages.data.content import Section, section

TEMPLATES = Path(__file__).parent
"""`section.html` has a macro `section` that other pages use, too; it wants `width` and `height` of the charts."""


def sections(config: Config, outputs: Outputs) -> tuple[Section, ...]:
    """The data lanes of a run that were read to their end, those that were stopped above all."""
    parts = gated_parts(config)
    found = [
        section(name, root, {lane: part for (lane, part), of in parts.items() if of == name}, outputs, config.ingest)
        for name, root in data_folders(config).items()
    ]
    return tuple(each for each in found if each)


def write(title: str, found: Sequence[Section], folder: Path) -> Path | None:
    """Draws `data.html`.

    Returns:
        Its path; None when no folder was read to its end.
    """
    if not found:
        return None
    path = folder / "data.html"
    files.write(path, render(title, found))
    return path


def render(title: str, found: Sequence[Section]) -> str:
    """The page's HTML."""
    template = html.environment(TEMPLATES).get_template("page.html")
    return template.render(title=title, sections=found, width=charts.WIDTH, height=charts.HEIGHT)
