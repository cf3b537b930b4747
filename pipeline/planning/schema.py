"""What `easel schema` does: proposes the contract of each folder from its images, and holds new images against it.

Reads the images as `easel check` does, without TensorFlow, TFX or Beam.
"""

import os
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from easel_serving.registry import files
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from tensorflow_metadata.proto.v0 import schema_pb2

from components.image_folder_example_gen.ingest.scan import pictures
from components.image_folder_example_gen.vocabulary.files import Picture
from components.schema_source import contract
from components.schema_source.observations import Violation, missing_classes, ranges, violations
from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import LAYOUTS, base_schema, data_folders, schema_files
from trainer.base.errors import UserError


@dataclass(frozen=True)
class Proposal:
    """What became of the schema file of one data lane."""

    lane: str
    path: str
    outcome: Literal["written", "replaced", "kept"]
    backup: str | None = None
    """Where the file that was replaced is now."""


@dataclass(frozen=True)
class Difference:
    """What the images of a folder make of the schema of a data lane."""

    lane: str
    path: str
    folder: str
    images: int
    violations: tuple[Violation, ...]
    missing_classes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A document of plain types."""
        return {**asdict(self), "violations": [each._asdict() for each in self.violations]}


def propose(config: Config, replace: bool = False) -> list[Proposal]:
    """Writes a schema for each folder of the configuration from the images that are there.

    `replace` puts a proposal in the place of a file that exists, which is kept under another name.
    """
    proposals = []
    for lane, path in schema_files(config).items():
        if os.path.exists(path) and not replace:
            proposals.append(Proposal(lane, path, "kept"))
            continue
        found = pictures(data_folders(config)[lane], config.ingest, LAYOUTS.get(lane, "auto"))
        if not found:
            raise UserError(f"{data_folders(config)[lane]}: no usable image to propose a schema from")
        base = annotate(base_schema(lane).read_text(encoding="utf-8"), found)
        labels = sorted({picture.source.label for picture in found} - {""})
        backup = _keep(Path(path)) if os.path.exists(path) else None
        files.write(Path(path), contract.propose(base, labels, uuid.uuid4().hex))
        proposals.append(Proposal(lane, path, "replaced" if backup else "written", backup))
    return proposals


def diff(config: Config, folders: Mapping[str, str], environment: str = contract.TRAINING) -> list[Difference]:
    """Holds images against the schemas.

    Only the data lanes in `folders` are looked at. The environment `SERVING` is for photos without a class.

    Raises:
        UserError: a lane has no schema yet.
    """
    differences = []
    for lane, folder in folders.items():
        path = schema_files(config)[lane]
        schema = _read(path)
        layout = "flat" if environment == contract.SERVING else LAYOUTS.get(lane, "auto")
        found = pictures(folder, config.ingest, layout)
        # New images need not be of every class.
        missing = missing_classes(schema, found) if folder == data_folders(config)[lane] else []
        broken = tuple(violations(schema, found, environment))
        differences.append(Difference(lane, path, folder, len(found), broken, tuple(missing)))
    return differences


def annotate(base: str, found: Sequence[Picture]) -> str:
    """The curated schema's text with the range that the images have beside each bound of a measure."""
    seen = ranges(found)

    def with_range(match: re.Match) -> str:
        low, high = seen.get(match["name"], (None, None))
        note = "" if low is None else f"  # these images: {low:.4g} to {high:.4g}"
        return match[0] + note

    return re.sub(r'name: "(?P<name>[^"]+)"\n(?:(?!\n}).)*?_domain \{[^}]*\}', with_range, base, flags=re.S)


def _read(path: str) -> schema_pb2.Schema:
    if not os.path.exists(path):
        raise UserError(f"{path}: no schema yet: `easel schema propose` or the first run writes one")
    return contract.complete(contract.parse(Path(path).read_text(encoding="utf-8"), path))


def _keep(path: Path) -> str:
    """Moves a file out of the way, to the first name that is free."""
    number = 1
    while (kept := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    path.rename(kept)
    return str(kept)


def render(differences: Sequence[Difference]) -> RenderableType:
    """The differences for people: a block for each folder."""
    parts: list[RenderableType] = []
    for each in differences:
        parts.append(Text.assemble((each.lane, "bold"), f"  {each.images:,} images in {each.folder}"))
        parts.append(Padding(Text(each.path, style="dim"), (0, 0, 0, 2)))
        for label in each.missing_classes:
            parts.append(_line(f"class {label!r} has no image"))
        for broken in each.violations:
            plural = "" if broken.images == 1 else "s"
            what = f"{broken.feature}: {broken.images:,} image{plural} with {broken.found}, allowed is {broken.allowed}"
            parts += [_line(what), Padding(Text("\n".join(broken.files), style="dim"), (0, 0, 0, 6))]
        if not each.violations and not each.missing_classes:
            parts.append(Padding(Text.assemble(("✓ ", "green"), "nothing to object to"), (0, 0, 0, 2)))
    return Group(*parts)


def _line(text: str) -> RenderableType:
    return Padding(Text.assemble(("✗ ", "red"), text), (0, 0, 0, 2))
