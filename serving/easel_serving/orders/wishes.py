"""What an order asks for: styles, strength, size, format; checked before it is taken."""

import math
import urllib.parse
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from easel_serving.images import prepare
from easel_serving.painting import paper
from easel_serving.painting.part import Part, parse_box
from easel_serving.protocol.errors import ServingError

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "tiff": "image/tiff", "webp": "image/webp"}
"""Media types by the name of a format."""


class Share(BaseModel):
    """A style by its name, and its share in a mix."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200)
    weight: float = Field(default=1.0, gt=0, le=1e6, allow_inf_nan=False)


class Wishes(BaseModel):
    """How a photo is to be painted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    styles: list[Share] = Field(min_length=1, max_length=8)
    strength: float = Field(default=1.0, ge=0, le=1, allow_inf_nan=False)
    keep_colours: Literal["none", "luminance"] = "none"
    brush: int | None = Field(default=None, ge=64, le=4096)
    size: int | None = Field(default=None, ge=64, le=paper.MAX_SIDE)
    """Longest side in pixels; the photo's own when neither it nor `paper` is given."""
    paper: str | None = None
    """`A4`, `50x70cm`, ...: the picture is made as large as fits on it at `dpi`."""
    dpi: int | None = Field(default=None, ge=36, le=1200)
    only: Literal["subject", "background"] | None = None
    """Paint only this part, which is found without a mask."""
    box: str | None = Field(default=None, max_length=100)
    """`LEFT,TOP,WIDTH,HEIGHT` around the subject, in pixels of the photo."""
    or_all: bool = False
    """Paint the whole photo when no subject is found."""
    format: Literal["png", "jpeg", "tiff", "webp"] = "jpeg"
    webhook: str | None = Field(default=None, max_length=2000)
    """Called when the order is done or has failed; its host must be one that is configured."""

    @field_validator("webhook")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError("an address has no control characters")
        if value is not None:
            parts = urllib.parse.urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
                raise ValueError("an address such as https://shop.example/painted, without a password in it")
        return value

    @model_validator(mode="after")
    def _one_size(self) -> "Wishes":
        if self.paper is not None:
            if self.size is not None:
                raise ValueError("size and paper: give one of them")
            paper.pixels(self.paper, self.dpi or paper.DPI)
        return self

    @model_validator(mode="after")
    def _one_part(self) -> "Wishes":
        if self.box is not None:
            parse_box(self.box)
        if self.only is None and (self.box is not None or self.or_all):
            raise ValueError("box and or_all: they need only=subject or only=background")
        return self

    def require_paintable(self, photo: bytes) -> None:
        """Raises ServingError for a photo whose picture would have more pixels than are painted."""
        width, height = prepare.size(photo, "photo")
        scale = paper.scale((width, height), self.size, self.within)
        if width * height * scale**2 > prepare.MAX_PIXELS:
            asked = f"paper: {self.paper}" if self.paper else f"size: {self.size or 'that of the photo'}"
            raise ServingError(f"{asked} makes too many pixels of this photo; ask for fewer")

    @property
    def within(self) -> tuple[int, int] | None:
        """Shorter and longer side of the paper in pixels."""
        return None if self.paper is None else paper.pixels(self.paper, self.dpi or paper.DPI)

    @property
    def resolution(self) -> float | None:
        """Dots per inch that the picture's file says; None leaves the photo's."""
        return self.dpi if self.paper is None else self.dpi or paper.DPI

    @property
    def part(self) -> Part | None:
        """What is painted; None is all of it, or what a mask says."""
        if self.only is None:
            return None
        return Part(self.only == "background", self.box and parse_box(self.box), self.or_all)


def parse(fields: Mapping[str, Any]) -> Wishes:
    """The wishes of a form's or a document's fields.

    Args:
        fields: as `Wishes`; `style` is one or several of `NAME` or `NAME=WEIGHT`, in place of `styles`.

    Raises:
        ServingError: a field that there is not, or a value that cannot be; the message names it.
    """
    fields = dict(fields)
    named = fields.pop("style", [])
    try:
        if named:
            fields["styles"] = [_share(text) for text in ([named] if isinstance(named, str) else named)]
        return Wishes.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "order"
        if where == "styles" and first["type"] == "missing":
            raise ServingError("style: name the style to paint in") from None
        reason = "there is no such field" if first["type"] == "extra_forbidden" else first["msg"]
        raise ServingError(f"{where}: {reason.removeprefix('Value error, ')}") from None


def _share(text: str) -> dict[str, Any]:
    name, separator, weight = str(text).rpartition("=")
    if not separator:
        return {"name": weight}
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ServingError(f"style {text}: the weight {weight!r} is not a positive number")
    return {"name": name, "weight": value}
