"""Which files are in the folders of `layouts`, and what is passed over. Names are bytes until they are shown."""

import os
import stat
from collections.abc import Iterable, Iterator

from components.image_folder_example_gen.sources import label_file, remote
from components.image_folder_example_gen.sources.layouts import Folder, contains, is_hidden, is_ignored_file
from components.image_folder_example_gen.vocabulary.files import Ignored, Refusal, Source, display
from components.image_folder_example_gen.vocabulary.reasons import Reason
from trainer.base.errors import UserError

_MOST_NAMES = 10
"""In one message."""

Found = Source | Refusal | Ignored


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
                        if folder.deep or is_hidden(entry.name) or path != folder.path:
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
        if above and not folder.deep and not is_hidden(above[0]):
            continue  # listed as part of the folder that it is in
        if is_ignored_file(name) or any(is_hidden(part) for part in above):
            yield Ignored(_name(folder, entry.path))
        else:
            yield _found(folder, entry.path, entry.size, entry.mtime_ns)


def _is_inside_hidden(folder: Folder, path: bytes) -> bool:
    return any(is_hidden(part) for part in path[len(folder.path) :].split(b"/") if part)


def _name(folder: Folder, path: bytes) -> str:
    return folder.prefix + display(path[len(folder.root) :].lstrip(b"/"))


def _file(folder: Folder, entry: os.DirEntry) -> Found:
    if is_ignored_file(entry.name):
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
    elif not contains(folder.root, target) and not follow:
        yield _refusal(folder, entry.path, Reason.LINK_OUTSIDE, "leaves the folder")
    elif not os.path.isdir(target):
        yield _file(folder, entry)
    elif contains(target, os.path.realpath(os.path.dirname(entry.path))):
        yield _refusal(folder, entry.path, Reason.LINK_LOOP, "points at a folder that contains it")
    elif contains(folder.root, target):
        yield _refusal(folder, entry.path, Reason.LINK_FOLDER, "points at a folder that is read anyway")
    elif folder.deep:
        waiting.append(entry.path)


def _refusal(folder: Folder, path: bytes, reason: Reason, detail: str, size: int = 0) -> Refusal:
    return Refusal(_name(folder, path), folder.label, reason, detail, size)
