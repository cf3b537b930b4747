"""What ingest would make of a folder, without TFX or Beam: the work of `easel check`."""

import functools
import itertools
import os
from collections import Counter

from components.image_folder_example_gen import duplicates, listing, report, splits, threads
from components.image_folder_example_gen.inspection import examine
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.records import Picture, Source


def scan(root: str | os.PathLike, options: IngestOptions, layout: str = "auto") -> report.Report:
    """Reads and checks every file with the very code of the ingest component.

    Raises:
      UserError: `root` is no folder that can be read.
    """
    folders = listing.folders(root, layout, options.follow_links)
    found = itertools.chain.from_iterable(listing.walk(folder, options.follow_links) for folder in folders)
    counts: Counter[tuple[str, ...]] = Counter()
    copies: dict[str, list[Picture]] = {}
    with threads.pool() as pool:
        for outcome in threads.ordered(pool, functools.partial(_examine, options=options), found):
            if isinstance(outcome, Picture):
                copies.setdefault(outcome.sha256, []).append(outcome)
            else:
                counts[report.key(outcome)] += 1
    by_class: dict[str, list[Picture]] = {}
    for group in copies.values():
        kept, others = duplicates.resolve(group)
        counts.update(report.key(other) for other in others)
        if kept:
            by_class.setdefault(kept.source.label, []).append(kept)
    for pictures in by_class.values():
        draws = [splits.draw(picture.sha256) for picture in pictures]
        for picture in pictures:
            split = splits.assign(picture, options.eval_fraction, (min(draws), max(draws)))
            counts[report.example_key(picture, split)] += 1
    return report.build(counts, {folder.label for folder in folders if folder.label and not folder.misplaced})


def _examine(found: listing.Found, options: IngestOptions):
    return examine(found, options) if isinstance(found, Source) else found
