"""What lies in folders that nobody has described yet: photos in classes, or a flat folder, and paintings.

Nothing is opened: files count by the endings of their names, under the very rules of the ingest component's listing.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from easel_serving.images import formats

from components.image_folder_example_gen.sources import label_file, layouts, listing, spans
from components.image_folder_example_gen.vocabulary.files import Source
from pipeline.history.store import FILE
from trainer.base.errors import UserError

Layout = Literal["classes", "split", "labels.csv", "flat"]

_PAINTINGS = ("paintings", "painting", "artworks", "artwork", "art", "styles", "style")
_PHOTOS = ("photos", "photo", "images", "pictures", "photographs", "pics", "data", "dataset")
_SPAN = re.compile(r"(?i)(?P<before>span[-_ ]?)\d+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Images:
    """A folder of images, or a pattern of such folders (see `spans`), and how it is laid out."""

    folder: str
    layout: Layout
    classes: dict[str, int]
    """Images by class; none in a flat folder."""
    count: int

    @property
    def tells_apart(self) -> bool:
        """Whether a classifier can learn from it."""
        return len(self.classes) > 1


@dataclass(frozen=True)
class Found:
    """What each model could be made from; `base` is the folder where the configuration belongs."""

    base: Path
    classifier_photos: Images | None
    style_photos: Images | None
    paintings: Images | None


def discover(folder: Path) -> Found:
    """Looks for photos and paintings in a folder and the folders in it.

    It holds `photos` and `paintings`, however they are called; or its folders are the classes.

    Raises:
        UserError: nothing in it can be trained on.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    if _is_root(folder):
        # The configuration goes beside it: a workspace must not lie among what is read.
        return _choose(folder.parent, [look(folder)], _first_named(_subfolders(folder.parent), _PAINTINGS))
    inside = _subfolders(folder)
    paintings = _first_named(inside, _PAINTINGS)
    others = [look(each) for each in inside if each != paintings]
    return _choose(folder, [each for each in others if each.count], paintings)


def look(folder: Path) -> Images:
    """One folder and its images; spans in it are taken together."""
    root = _spans(folder)
    parts = layouts.folders(root)
    named = (part for part in parts if part.label and not part.misplaced)
    classes = Counter({part.label: 0 for part in named})
    flat = 0
    for part in parts:
        for each in listing.walk(part, follow_links=False):
            if isinstance(each, Source) and os.path.splitext(each.name)[1].lower() in formats.SUFFIXES:
                classes[each.label] += 1
                flat += not each.label
    del classes[""]
    layout: Layout = "flat"
    if any(part.label_file for part in parts):
        layout = "labels.csv"
    elif classes:
        layout = "split" if any(part.split for part in parts) else "classes"
    return Images(root, layout, dict(sorted(classes.items())), classes.total() + flat)


def _choose(base: Path, photos: Sequence[Images], paintings: Path | None) -> Found:
    """Gives the classifier classes, and the style network whatever there is beside paintings."""
    painted = look_flat(paintings) if paintings else None
    ranked = sorted(photos, key=_rank)
    classes = next((each for each in ranked if each.tells_apart), None)
    flat = [each for each in ranked if each.layout == "flat"]
    # Photos that nobody sorted are varied: better to learn to paint from.
    style = next(iter(flat), classes or next(iter(ranked), None)) if painted else None
    if classes is None and style is None:
        raise UserError(_nothing(base, photos, painted))
    return Found(base, classes, style, painted if style else None)


def look_flat(folder: Path) -> Images:
    """A folder whose own folders mean nothing, as of paintings."""
    found = look(folder)
    return Images(str(folder), "flat", {}, found.count)


def _rank(images: Images) -> tuple[int, int]:
    name = Path(spans.base(images.folder)).name.lower()
    return (_PHOTOS.index(name) if name in _PHOTOS else len(_PHOTOS)), -images.count


def _nothing(folder: Path, photos: Sequence[Images], paintings: Images | None) -> str:
    said = [f"{each.count} images in {Path(each.folder).name}" for each in photos]
    said += [f"{paintings.count} paintings in {Path(paintings.folder).name}"] if paintings else []
    return (
        f"{folder}: {', '.join(said) or 'no images'}, and nothing to train on: a classifier needs photos in a folder"
        " for each class (photos/CLASS/*.jpg, two classes or more), a style network a folder of paintings"
        " (paintings/*.jpg) beside photos of any kind"
    )


def _is_root(folder: Path) -> bool:
    """Whether the folder itself is one of photos: with a label file, splits, spans, or folders that are classes."""
    inside = _subfolders(folder)
    names = [path.name for path in folder.iterdir() if path.is_file()]
    if label_file.find(os.fsencode(folder), map(os.fsencode, names)):
        return True
    called = [each.name.lower() for each in inside]
    if any(name in (*_PAINTINGS, *_PHOTOS) for name in called):
        return False
    if _spans(folder) != str(folder):
        return True
    splits = {label_file.split_of(name, frozenset(called)) for name in called} - {""}
    if splits == {"train", "eval"}:
        return True
    with_images = [each for each in map(look, inside) if each.count]
    return len(with_images) > 1 and all(each.layout == "flat" for each in with_images)


def _spans(folder: Path) -> str:
    """The pattern of the spans in a folder, or the folder itself."""
    names = [each.name for each in _subfolders(folder)]
    if names and all(_DAY.fullmatch(name) for name in names):
        return str(folder / "{YYYY}-{MM}-{DD}")
    before = {match["before"] for name in names if (match := _SPAN.fullmatch(name))}
    if len(before) == 1 and all(_SPAN.fullmatch(name) for name in names):
        return str(folder / f"{before.pop()}{{SPAN}}")
    return str(folder)


def _subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, in the order of their names, without hidden ones and Easel's workspaces."""
    try:
        found = [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    except OSError as error:
        raise UserError(f"{folder}: cannot be listed: {error.strerror}") from error
    return sorted(each for each in found if not (each / FILE).exists())


def _first_named(folders: Sequence[Path], names: Sequence[str]) -> Path | None:
    called = {each.name.lower(): each for each in folders}
    return next((called[name] for name in names if name in called), None)
