"""What ingest would make of a folder, without TFX or Beam: the work of `easel check`."""

import functools
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator

from components.image_folder_example_gen.inspection import inspection, similarity, threads
from components.image_folder_example_gen.inspection.inspection import examine
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import layouts, listing
from components.image_folder_example_gen.vocabulary.files import NearDuplicate, Picture, Refusal, Source
from components.image_folder_example_gen.vocabulary.reasons import Reason
from components.image_folder_example_gen.whole_folder import duplicates, ledger, report, splits

_TOGETHER = 64
"""Files whose examination is completed in one go."""


def scan(
    root: str | os.PathLike, options: IngestOptions, layout: str = "auto", earlier_ledger: str = ""
) -> report.Report:
    """Reads and checks every file with the very code of the ingest component.

    `earlier_ledger` is the address of the ledger that a run would start from, empty for none; for `layout` see
    `layouts`.

    Raises:
        UserError: `root` is no folder that can be read, or one in it cannot.
    """
    folders = layouts.configured(root, options, layout)
    counts: Counter[tuple[str, ...]] = Counter()
    images: list[Picture] = []
    refused: list[Refusal] = []
    for outcome in _outcomes(folders, options):
        if isinstance(outcome, Picture):
            images.append(outcome)
        else:
            counts[report.key(outcome)] += 1
            if isinstance(outcome, Refusal) and outcome.reason is Reason.FOLDER:
                refused.append(outcome)
    listing.require_readable(root, refused)
    lines = (line for path in ledger.files(earlier_ledger) for line in ledger.read(path))
    unique, others, _ = duplicates.resolve_all(itertools.chain(images, lines))
    counts.update(report.key(other) for other in others)
    identities = [similarity.identity(picture.sha256) for picture in unique]
    table = similarity.rows([picture.fingerprint for picture in unique], identities)
    edges = [similarity.edges(band, options.near_duplicate_bits) for band in table]
    groups = similarity.components(similarity.unique(edges))
    tally = splits.Tally()
    for picture in unique:
        tally.add(picture, groups)
    plan = tally.plan(options.eval_fraction)
    near: list[NearDuplicate] = []
    for picture in unique:
        split, reported = splits.settle(picture, groups, plan)
        near += (each for each in reported if isinstance(each, NearDuplicate))
        counts.update(report.key(each) for each in reported if not isinstance(each, NearDuplicate))
        if split:
            counts[report.example_key(picture, split)] += 1
    return report.build(counts, layouts.classes(folders), near)


def pictures(root: str | os.PathLike, options: IngestOptions, layout: str = "auto") -> list[Picture]:
    """The usable images of a folder with what was measured on them; copies are not told from originals.

    Raises:
        UserError: `root` is no folder that can be read.
    """
    folders = layouts.configured(root, options, layout)
    outcomes = _outcomes(folders, options)
    return [outcome for outcome in outcomes if isinstance(outcome, Picture)]


def _outcomes(folders: Iterable[layouts.Folder], options: IngestOptions) -> Iterator:
    """What becomes of each file, in the order of the listing."""
    found = itertools.chain.from_iterable(listing.walk(folder, options.follow_links) for folder in folders)
    work = functools.partial(_examine, options=options)
    with threads.Pool() as pool:
        outcomes = threads.ordered(pool, work, found, seconds=options.max_seconds, late=inspection.too_slow)
        while some := list(itertools.islice(outcomes, _TOGETHER)):
            yield from inspection.complete(some)


def _examine(found: listing.Found, options: IngestOptions):
    return examine(found, options) if isinstance(found, Source) else found
