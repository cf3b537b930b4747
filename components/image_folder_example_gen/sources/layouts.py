"""Which folders hold images, of which class and split. Names are bytes until they are shown.

Layouts, found by looking at the folders:

* `class/image`: every folder at the top is a class; folders inside a class are part of it.
* `train/...` with `val/...` or `test/...` (and what `label_file.split_of` takes): split by folder, classes inside. With
  both a validation and a test folder, the test folder is the eval split and the validation images count to train.
* `labels.csv` at the top (see `label_file`): the classes are in there, the folders of any depth do not matter.
* flat: images and no class folders, or `layout="flat"`, which reads folders of any depth as one class without a name.
"""

import itertools
import os
from collections.abc import Iterable
from typing import NamedTuple

from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import label_file, remote, spans
from components.image_folder_example_gen.vocabulary.files import display
from trainer.base.errors import UserError

SIDECARS = frozenset(
    {".aae", ".csv", ".db", ".html", ".ini", ".json", ".jsonl", ".log", ".md"}
    | {".pdf", ".thm", ".txt", ".xml", ".xmp", ".yaml", ".yml"}
)
"""Endings of files that stand beside images; they are ignored without being opened."""
_IGNORED_NAMES = frozenset(
    {"readme", "license", "__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information"}
)


class Folder(NamedTuple):
    """A folder to list, and what its files are."""

    path: bytes
    root: bytes
    label: str
    split: str
    deep: bool
    """Whether folders inside are read as well."""
    misplaced: str
    """Why files in here belong to no class; empty where they do."""
    label_file: bytes = b""
    """Where the classes of its files are written; empty when they follow from the folders."""
    prefix: str = ""
    """What the names of its files begin with: the span that the folder is of."""


def configured(root: str | os.PathLike, options: IngestOptions, layout: str = "auto") -> list[Folder]:
    """`folders` as the configuration wants them."""
    return folders(root, layout, options.follow_links, options.spans, options.evaluate_latest_span)


def folders(
    root: str | os.PathLike,
    layout: str = "auto",
    follow_links: bool = False,
    window: int | None = None,
    evaluate_latest: bool = False,
) -> list[Folder]:
    """The folders to list for the images of `root`; each can be walked on its own, on any worker that sees the files.

    Args:
        root: an existing folder, local or on a file system of Beam's; or a pattern of `spans`, local.
        layout: `auto` (see the module), or `flat` for one class without a name whatever the folders.
        follow_links: whether links that leave `root` are followed.
        window: how many of the latest spans to read; all without it.
        evaluate_latest: of several spans, the latest is `eval` and the others are `train`.

    Raises:
        UserError: `root` is no folder that can be read.
    """
    if spans.is_pattern(root):
        found = spans.find(root, window)
        parts = [(span, folder) for span in found for folder in folders(span.path, layout, follow_links)]
        if evaluate_latest and len(found) > 1:
            parts = [(span, part._replace(split="eval" if span == found[-1] else "train")) for span, part in parts]
        return [folder._replace(prefix=f"{span.name}/") for span, folder in parts]
    if remote.is_remote(root):
        path = os.fsencode(root).rstrip(b"/")
        return _arrange(_RemoteTree(path), path, layout)
    path = os.path.realpath(os.fsencode(root))
    if not os.path.isdir(path):
        raise UserError(f"{display(path)}: no such folder")
    return _arrange(_LocalTree(path, follow_links), path, layout)


def classes(folders: Iterable[Folder]) -> set[str]:
    """All classes that there are, those without an image among them."""
    named = {folder.label for folder in folders if folder.label and not folder.misplaced}
    files = {folder.label_file for folder in folders} - {b""}
    return named.union(*(row.labels for path in files for row in label_file.read(path).values()))


class _LocalTree:
    """The folders below a local folder."""

    def __init__(self, root: bytes, follow_links: bool):
        self._root, self._follow_links = root, follow_links

    def names(self, path: bytes) -> list[bytes]:
        """Names of the files in a folder; none when it cannot be read."""
        try:
            with os.scandir(path) as entries:
                return [entry.name for entry in entries if not entry.is_dir()]
        except OSError:  # `walk` tells it
            return []

    def subfolders(self, path: bytes) -> list[bytes]:
        """Names of the folders in a folder that are not hidden."""
        return _subfolders(path, self._root, self._follow_links)

    def holds_files(self, path: bytes) -> bool:
        """Whether there is a file in it, at any depth, that is not ignored."""
        return _holds_files(path)


class _RemoteTree(remote.Tree):
    """The folders below a remote folder."""

    def names(self, path: bytes) -> list[bytes]:
        """Names of the files in a folder."""
        return self.files.get(path, [])

    def subfolders(self, path: bytes) -> list[bytes]:
        """Names of the folders in a folder that are not hidden."""
        return [name for name in super().subfolders(path) if not is_hidden(name)]

    def holds_files(self, path: bytes) -> bool:
        """Whether there is a file in it, at any depth, that is not ignored."""
        below = (names for folder, names in self.files.items() if contains(path, folder))
        return any(not is_ignored_file(name) for names in below for name in names)


def _arrange(tree: _LocalTree | _RemoteTree, path: bytes, layout: str) -> list[Folder]:
    """Finds out which layout it is."""
    if layout == "flat":
        return [Folder(path, path, "", "", True, "")]
    if labels := label_file.find(path, tree.names(path)):
        label_file.read(labels)  # now, so that its faults are told before anything runs
        return [Folder(path, path, "", "", True, "", labels)]
    inside = tree.subfolders(path)
    names = frozenset(display(name).lower() for name in inside)
    splits = {name: label_file.split_of(display(name), names) for name in inside}
    if "train" in splits.values() and "eval" in splits.values():
        return _split_layout(tree, path, splits)
    if not any(tree.holds_files(os.path.join(path, name)) for name in inside):
        return [Folder(path, path, "", "", True, "")]
    return _class_layout(tree, path, path, "")


def _class_layout(tree: _LocalTree | _RemoteTree, root: bytes, top: bytes, split: str) -> list[Folder]:
    """A folder per class, and one entry for what lies loose beside them."""
    loose = Folder(top, root, "", split, False, "not in a class folder")
    classes = []
    for name in tree.subfolders(top):
        label = display(name)
        bad = "" if label.strip() and len(label.splitlines()) == 1 else "the folder's name cannot name a class"
        classes.append(Folder(os.path.join(top, name), root, label, split, True, bad))
    return [loose, *classes]


def _split_layout(tree: _LocalTree | _RemoteTree, root: bytes, splits: dict[bytes, str]) -> list[Folder]:
    found = [Folder(root, root, "", "", False, "not in a split folder")]
    tops = {os.path.join(root, name): split for name, split in splits.items()}
    flat = not any(
        tree.holds_files(os.path.join(top, name))
        for top, split in tops.items()
        if split
        for name in tree.subfolders(top)
    )
    for top, split in tops.items():
        if not split:
            found.append(Folder(top, root, "", "", True, "not in a split folder"))
        elif flat:
            found.append(Folder(top, root, "", split, True, ""))
        else:
            found += _class_layout(tree, root, top, split)
    return found


def _subfolders(path: bytes, root: bytes, follow_links: bool) -> list[bytes]:
    """Names of the folders that are not hidden; linked ones only if links are followed and they are not read anyway."""
    try:
        with os.scandir(path) as entries:
            names = [entry for entry in entries if not is_hidden(entry.name) and entry.is_dir()]
    except OSError:
        return []
    real = (e for e in names if not e.is_symlink() or (follow_links and not related(root, os.path.realpath(e.path))))
    return sorted(entry.name for entry in real)


def _holds_files(path: bytes) -> bool:
    walked = itertools.chain.from_iterable(
        (name for name in names if not is_ignored_file(name)) for _, _, names in os.walk(path)
    )
    return next(walked, None) is not None


def is_hidden(name: bytes) -> bool:
    """Whether a name begins with a dot, or is one of those that no image stands under."""
    text = display(name).lower()
    return text.startswith(".") or text in _IGNORED_NAMES


def is_ignored_file(name: bytes) -> bool:
    """Whether a file is hidden, or stands beside images by its ending."""
    return is_hidden(name) or os.path.splitext(display(name).lower())[1] in SIDECARS


def related(one: bytes, other: bytes) -> bool:
    """Whether one of two folders is, or lies in, the other."""
    return contains(one, other) or contains(other, one)


def contains(folder: bytes, path: bytes) -> bool:
    """Whether a path is that of the folder, or leads into it."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")
