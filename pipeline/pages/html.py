"""What the HTML pages have in common: one self-contained file, escaped names, pictures inside the page."""

import base64
import io
from pathlib import Path

import jinja2
from PIL import Image

from pipeline.progress.wording import number

_QUALITY = 72


def environment(*folders: Path) -> jinja2.Environment:
    """Where templates are looked for. Names of files and classes are escaped: they are other people's."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = _number
    return made


def address(image: Image.Image, side: int) -> str:
    """A `data:` address of an RGB image, reduced in place to `side` pixels: the JPEG itself."""
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _number(value: float) -> str:
    """Whole numbers as such, others with three significant digits."""
    return number(int(value)) if float(value).is_integer() else f"{value:,.3g}"
