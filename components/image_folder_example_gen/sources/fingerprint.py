"""What the pipeline puts into the cache key for a folder of images."""

import hashlib
import os

from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import layouts, listing
from components.image_folder_example_gen.vocabulary.files import Refusal, Source
from components.image_folder_example_gen.vocabulary.reasons import Reason


def fingerprint(root: str | os.PathLike, options: IngestOptions, layout: str = "auto") -> str:
    """A digest (hex) of which files are in `root` with their sizes and times of change in nanoseconds.

    TFX's own (count, total size, newest time) misses a swap of two files. The content is not read: the
    digest is taken before every run, and must cost seconds for 100,000 files. The digests of the files are added up, so
    that their order does not matter and memory does not grow with their number.

    Raises:
        UserError: `root` is no folder that can be read, or one in it cannot.
    """
    total, refused = 0, []
    for folder in layouts.configured(root, options, layout):
        total += _number(f"folder\0{folder.prefix}\0{folder.label}\0{folder.split}\0{folder.misplaced}")
        for found in listing.walk(folder, options.follow_links):
            facts = type(found).__name__
            if isinstance(found, Refusal) and found.reason is Reason.FOLDER:
                refused.append(found)
            if isinstance(found, Source):
                facts = f"{found.size}\0{found.mtime_ns}\0{found.label}\0{found.split}"
            total += _number(f"{found.name}\0{facts}")
    listing.require_readable(root, refused)
    return f"{total % 2**256:064x}"


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
