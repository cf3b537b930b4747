"""Other names for files, in which TensorFlow and Beam see no pattern.

Both take paths for patterns in many places: checkpoints when they are restored, `tf.io.gfile.glob`, Beam's sources, and
its sinks, which use one string as a name and as a pattern, so that nothing can be quoted. A path with such a character
gets a second name instead: a link in a private temporary folder of this process stands for its beginning. Other
processes of this machine may use the name for as long as this one lives.
"""

import atexit
import os
import re
import shutil
import tempfile
import threading

_SPECIAL = re.compile(r"[*?[\\]")
"""What begins a pattern, or quotes, in any of them."""
_links: dict[str, str] = {}
"""What stands for which beginning."""
_lock = threading.Lock()


def is_plain(path: str | os.PathLike[str]) -> bool:
    """Whether a path holds nothing that TensorFlow or Beam takes for a pattern."""
    return not _SPECIAL.search(os.fspath(path))


def plain(path: str | os.PathLike[str]) -> str:
    """A name for what is at a path, to be given to TensorFlow or Beam; the path itself where it has no such character.

    The file or folder may be still to be made; the folders with special characters are there.
    """
    text = os.fspath(path)
    if is_plain(text) or "://" in text:
        return text
    parts = os.path.abspath(text).split("/")
    end = 1 + max(number for number, part in enumerate(parts) if not is_plain(part))
    return "/".join([_link("/".join(parts[:end])), *parts[end:]])


def original(path: str) -> str:
    """The inverse of `plain`: the path that a name stands for."""
    for beginning, link in list(_links.items()):
        if path == link or path.startswith(f"{link}/"):
            return beginning + path[len(link) :]
    return path


def _link(beginning: str) -> str:
    with _lock:
        if beginning not in _links:
            link = os.path.join(_folder(), str(len(_links)))
            os.symlink(beginning, link)
            _links[beginning] = link
        return _links[beginning]


def _folder() -> str:
    """This process' folder of links, which goes when it ends."""
    if _links:
        return os.path.dirname(next(iter(_links.values())))
    temporary = (folder for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp") if is_plain(folder))
    folder = tempfile.mkdtemp(prefix="easel-paths-", dir=next(temporary))
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a process that was forked off leaves them to those who still use them
        shutil.rmtree(folder, ignore_errors=True)
