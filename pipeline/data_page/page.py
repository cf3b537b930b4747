"""Writes the page: everything is in the one file, and nothing is loaded from elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import jinja2

from pipeline.config import Config
from pipeline.data_page import charts
from pipeline.data_page.content import Section, section
from pipeline.outcome import Outputs
from pipeline.progress import number
from pipeline.snapshot import data_folders, gated_parts


def write(config: Config, outputs: Outputs, folder: Path) -> Path | None:
    """Draws `data.html` from the data lanes of a run, those that were stopped above all.

    Returns:
      Its path; None when no folder was read to its end.
    """
    parts = gated_parts(config)
    found = [
        section(name, root, {lane: part for (lane, part), of in parts.items() if of == name}, outputs, config.ingest)
        for name, root in data_folders(config).items()
    ]
    sections = [each for each in found if each]
    if not sections:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "data.html"
    path.write_text(render(f"{config.name}, run {folder.name}", sections), encoding="utf-8")
    return path


def render(title: str, sections: Sequence[Section]) -> str:
    """The page's HTML. Names of files and classes are escaped: they are other people's."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    template = environment.get_template("page.html")
    return template.render(title=title, sections=sections, width=charts.WIDTH, height=charts.HEIGHT)


def _number(value: float) -> str:
    """Whole numbers as such, others with three significant digits."""
    return number(int(value)) if float(value).is_integer() else f"{value:,.3g}"
