"""The photos in a folder, for the commands that take one: the files that ingest would read, by its own rules."""

import os
from pathlib import Path
from typing import NamedTuple

from easel_serving.images import formats

from components.image_folder_example_gen.sources import layouts, listing
from components.image_folder_example_gen.vocabulary.files import Ignored, Source


class Photos(NamedTuple):
    """What is in a folder, at any depth; hidden and side-car files are in neither list."""

    files: list[Path]
    """In the order of their names. One that is named like an image and is none is among them: it gets its error."""
    passed_over: list[tuple[Path, str]]
    """What is no image (a film, an archive, a broken link), and why it is not among the files."""


def photos(folder: Path) -> Photos:
    """Lists a folder; links out of it are followed, unlike by ingest's default: nothing is kept for later runs.

    Raises:
        UserError: it is no folder, or it cannot be read.
    """
    files, passed_over = [], []
    for part in layouts.folders(folder, layout="flat", follow_links=True):
        for found in listing.walk(part, follow_links=True):
            if isinstance(found, Ignored):
                continue
            if isinstance(found, Source):
                path = folder / os.fsdecode(os.path.relpath(found.path, part.root))
                if path.suffix.lower() in formats.SUFFIXES or _is_image(path):
                    files.append(path)
                else:
                    passed_over.append((path, "no image"))
            else:
                passed_over.append((folder / found.name, found.detail))
    return Photos(sorted(files), sorted(passed_over))


def _is_image(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            formats.open_image(file)
    except Exception:  # Pillow's readers raise whatever they stumble over
        return False
    return True
