"""Which files are in the folder, of which class and split. Names are bytes until they are shown.

Layouts, found by looking at the folders:

* `class/image`: every folder at the top is a class; folders inside a class are part of it.
* `train/...` with `val/...` or `test/...` (and what `label_file.split_of` takes): split by folder, classes inside. With
  both a validation and a test folder, the test folder is the eval split and the validation images count to train.
* `labels.csv` at the top (see `label_file`): the classes are in there, the folders of any depth do not matter.
* flat: images and no class folders, or `layout="flat"`, which reads folders of any depth as one class without a name.
"""

import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import label_file, remote, spans
from components.image_folder_example_gen.vocabulary.files import Ignored, Refusal, Source, display
from components.image_folder_example_gen.vocabulary.reasons import Reason
from trainer.errors import UserError

SIDECARS = frozenset(
    {".aae", ".csv", ".db", ".html", ".ini", ".json", ".jsonl", ".log", ".md"}
    | {".pdf", ".thm", ".txt", ".xml", ".xmp", ".yaml", ".yml"}
)
"""Endings of files that stand beside images; they are ignored without being opened."""
_IGNORED_NAMES = frozenset(
    {"readme", "license", "__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information"}
)

_MOST_NAMES = 10
"""In one message."""

Found = Source | Refusal | Ignored


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


def require_readable(root: str | os.PathLike, refused: Iterable[Found]) -> None:
    """Raises a UserError that names the folders that the system refused to list: nobody knows what is missing."""
    folders = sorted(each.name or "." for each in refused if isinstance(each, Refusal) and each.reason is Reason.FOLDER)
    if folders:
        shown = ", ".join(folders[:_MOST_NAMES])
        more = f" and {len(folders) - _MOST_NAMES} more" if len(folders) > _MOST_NAMES else ""
        raise UserError(
            f"{display(os.fsencode(root))}: the system refused to list {shown}{more}; check the permissions, or move "
            f"{'it' if len(folders) == 1 else 'them'} out of the folder"
        )


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
        return [name for name in super().subfolders(path) if not _is_hidden(name)]

    def holds_files(self, path: bytes) -> bool:
        """Whether there is a file in it, at any depth, that is not ignored."""
        below = (names for folder, names in self.files.items() if _contains(path, folder))
        return any(not _is_ignored_file(name) for names in below for name in names)


def _arrange(tree: _LocalTree | _RemoteTree, path: bytes, layout: str) -> list[Folder]:
    """Finds out which layout it is."""
    if layout == "flat":
        return [Folder(path, path, "", "", True, "")]
    if labels := label_file.find(path, tree.names(path)):
        label_file.read(labels)  # now, so that its faults are told before anything runs
        return [Folder(path, path, "", "", True, "", labels)]
    inside = tree.subfolders(path)
    beside = frozenset(display(name).lower() for name in inside)
    splits = {name: label_file.split_of(display(name), beside) for name in inside}
    if "train" in splits.values() and "eval" in splits.values():
        return _split_layout(tree, path, splits)
    if not any(tree.holds_files(os.path.join(path, name)) for name in inside):
        return [Folder(path, path, "", "", True, "")]
    return _class_layout(tree, path, path, "")


def classes(folders: Iterable[Folder]) -> set[str]:
    """All classes that there are, those without an image among them."""
    named = {folder.label for folder in folders if folder.label and not folder.misplaced}
    files = {folder.label_file for folder in folders} - {b""}
    return named.union(*(row.labels for path in files for row in label_file.read(path).values()))


def walk(folder: Folder, follow_links: bool) -> Iterator[Found]:
    """Everything in the folder, one entry per file, in no particular order; memory does not grow with their number.

    A line of a label file whose image is not there is an entry, too.
    """
    found = _walk_remote(folder) if remote.is_remote(folder.path) else _walk(folder, follow_links)
    return _labelled(folder, found) if folder.label_file else found


def _labelled(folder: Folder, found: Iterator[Found]) -> Iterator[Found]:
    """The files with the classes and splits of the label file."""
    rows = label_file.read(folder.label_file)
    missing = set(rows)
    for each in found:
        name = each.name.removeprefix(folder.prefix)
        missing.discard(name)
        row = rows.get(name)
        if not isinstance(each, Source):
            yield each
        elif row is None:
            yield Refusal(each.name, "", Reason.UNLABELLED, "not in labels.csv", each.size)
        elif len(row.labels) > 1:
            yield Refusal(each.name, "", Reason.CONFLICT, f"labels.csv says {', '.join(row.labels)}", each.size)
        else:
            yield each._replace(label=row.labels[0], split=row.split)
    for name in sorted(missing):
        yield Refusal(folder.prefix + name, rows[name].labels[0], Reason.MISSING, "labels.csv names it", 0)


def _walk(folder: Folder, follow_links: bool) -> Iterator[Found]:
    waiting = [folder.path]
    visited: set[tuple[int, int]] = set()
    while waiting:
        path = waiting.pop()
        ignored = _is_inside_hidden(folder, path)
        try:
            # Links may lead in circles by any way: each folder is read once, under the first name that leads to it.
            if follow_links and _is_visited(folder, path, visited):
                if os.path.islink(path):
                    yield _refusal(folder, path, Reason.LINK_FOLDER, "points at a folder that is read already")
                continue
            with os.scandir(path) as entries:
                # In an order that is the same every day, where it decides under which name a file is found.
                for entry in sorted(entries, key=lambda entry: entry.name, reverse=True) if follow_links else entries:
                    if entry.is_dir(follow_symlinks=False):
                        if folder.deep or _is_hidden(entry.name) or path != folder.path:
                            waiting.append(entry.path)
                    elif ignored:
                        yield Ignored(_name(folder, entry.path))
                    elif entry.is_symlink():
                        yield from _link(folder, entry, follow_links, waiting)
                    else:
                        yield _file(folder, entry)
        except OSError as error:
            if not ignored:
                yield _refusal(folder, path, Reason.FOLDER, error.strerror or str(error))


def _is_visited(folder: Folder, path: bytes, visited: set[tuple[int, int]]) -> bool:
    """Whether a folder was seen before or is the root of all, which links lead back to; from now on it was seen."""
    status = os.stat(path)
    identity = status.st_dev, status.st_ino
    seen = identity in visited or (path != folder.path and os.path.samefile(path, folder.root))
    visited.add(identity)
    return seen


def _walk_remote(folder: Folder) -> Iterator[Found]:
    for entry in remote.entries(folder.path):
        *above, name = entry.path[len(folder.path) + 1 :].split(b"/")
        if above and not folder.deep and not _is_hidden(above[0]):
            continue  # listed as part of the folder that it is in
        if _is_ignored_file(name) or any(_is_hidden(part) for part in above):
            yield Ignored(_name(folder, entry.path))
        else:
            yield _found(folder, entry.path, entry.size, entry.mtime_ns)


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
            names = [entry for entry in entries if not _is_hidden(entry.name) and entry.is_dir()]
    except OSError:
        return []
    real = (e for e in names if not e.is_symlink() or (follow_links and not _related(root, os.path.realpath(e.path))))
    return sorted(entry.name for entry in real)


def _holds_files(path: bytes) -> bool:
    walked = itertools.chain.from_iterable(
        (name for name in names if not _is_ignored_file(name)) for _, _, names in os.walk(path)
    )
    return next(walked, None) is not None


def _is_hidden(name: bytes) -> bool:
    text = display(name).lower()
    return text.startswith(".") or text in _IGNORED_NAMES


def _is_ignored_file(name: bytes) -> bool:
    return _is_hidden(name) or os.path.splitext(display(name).lower())[1] in SIDECARS


def _is_inside_hidden(folder: Folder, path: bytes) -> bool:
    return any(_is_hidden(part) for part in path[len(folder.path) :].split(b"/") if part)


def _name(folder: Folder, path: bytes) -> str:
    return folder.prefix + display(path[len(folder.root) :].lstrip(b"/"))


def _file(folder: Folder, entry: os.DirEntry) -> Found:
    if _is_ignored_file(entry.name):
        return Ignored(_name(folder, entry.path))
    try:
        status = entry.stat()
    except OSError:
        return _refusal(folder, entry.path, Reason.VANISHED, "gone while the folder was listed")
    if not stat.S_ISREG(status.st_mode):
        return _refusal(folder, entry.path, Reason.NOT_A_FILE, "not a regular file")
    return _found(folder, entry.path, status.st_size, status.st_mtime_ns)


def _found(folder: Folder, path: bytes, size: int, mtime_ns: int) -> Source | Refusal:
    if folder.misplaced:
        reason = Reason.CLASS_NAME if folder.label else Reason.OUTSIDE_LAYOUT
        return _refusal(folder, path, reason, folder.misplaced, size)
    return Source(path, _name(folder, path), folder.label, folder.split, size, mtime_ns)


def _link(folder: Folder, entry: os.DirEntry, follow: bool, waiting: list[bytes]) -> Iterator[Found]:
    """What a symbolic link stands for. A linked folder inside the root is read where it really is, so not here."""
    target = os.path.realpath(entry.path)
    if not os.path.exists(target):
        yield _refusal(folder, entry.path, Reason.LINK_BROKEN, "points at nothing")
    elif not _contains(folder.root, target) and not follow:
        yield _refusal(folder, entry.path, Reason.LINK_OUTSIDE, "leaves the folder")
    elif not os.path.isdir(target):
        yield _file(folder, entry)
    elif _contains(target, os.path.realpath(os.path.dirname(entry.path))):
        yield _refusal(folder, entry.path, Reason.LINK_LOOP, "points at a folder that contains it")
    elif _contains(folder.root, target):
        yield _refusal(folder, entry.path, Reason.LINK_FOLDER, "points at a folder that is read anyway")
    elif folder.deep:
        waiting.append(entry.path)


def _related(one: bytes, other: bytes) -> bool:
    return _contains(one, other) or _contains(other, one)


def _contains(folder: bytes, path: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _refusal(folder: Folder, path: bytes, reason: Reason, detail: str, size: int = 0) -> Refusal:
    return Refusal(_name(folder, path), folder.label, reason, detail, size)
