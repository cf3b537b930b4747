"""Ingest as a Beam pipeline.

The images are read twice: once to check and measure them, once to write them. Between the two only records without
pixels travel, so that grouping is cheap on every runner and memory is bounded; a second read costs far less than moving
the bytes through Beam. Records travel in batches, because Beam's cost for an element is near that of decoding a small
photo: grouping is by parts of the key space, and what is in a part is sorted out in one piece.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np
from apache_beam import pvalue

from components.image_folder_example_gen.ingest import steps
from components.image_folder_example_gen.ingest.batch import Batch
from components.image_folder_example_gen.inspection import similarity
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import layouts
from components.image_folder_example_gen.vocabulary.files import NearDuplicate
from components.image_folder_example_gen.whole_folder import ledger, report, splits


def ingest(
    pipeline: beam.Pipeline,
    folders: list[layouts.Folder],
    options: IngestOptions,
    examples_uri: str,
    report_uri: str,
    ledger_uri: str,
    earlier_ledger: str = "",
) -> None:
    """Adds ingest to a pipeline.

    Examples go to the splits' folders in `examples_uri`, the report's files and the new ledger's to the other two. It
    starts from `earlier_ledger`, unless that is empty.
    """
    walked = (
        pipeline
        | "Folders" >> beam.Create(folders)  # which spreads them, too
        | "Walk" >> beam.ParDo(steps.Walk(options)).with_outputs(steps.OTHERS, main="batches")
    )
    examined = (
        walked.batches
        | "SpreadFiles" >> beam.GroupByKey()  # all that Reshuffle does to bounded data, for a fifth of its transforms
        | "Examine" >> beam.ParDo(steps.Examine(options)).with_outputs(steps.OTHERS, main="pictures")
    )
    known = (
        pipeline
        | "Ledger" >> beam.Create(ledger.files(earlier_ledger), reshuffle=False)
        | beam.ParDo(steps.ReadLedger())
    )
    resolved = (
        (examined.pictures, known)
        | "FilesAndLedger" >> beam.Flatten()
        | "ByContent" >> beam.GroupByKey()
        | "Resolve" >> beam.ParDo(steps.Resolve()).with_outputs(steps.OTHERS, steps.PRINTS, main="content")
    )
    assigned = _assign(resolved, options, ledger_uri)
    written = (
        assigned.shards
        | "ByShard" >> beam.GroupByKey()
        | "Write" >> beam.ParDo(steps.WriteShard(examples_uri, options)).with_outputs(steps.OTHERS, main="written")
    )
    start = pipeline | "Start" >> beam.Impulse() | beam.Map(_nothing)  # so that even an empty folder has its account
    (
        (start, written.written, *(each[steps.OTHERS] for each in (walked, examined, resolved, assigned, written)))
        | "Outcomes" >> beam.Flatten()
        | "ToOne" >> beam.Map(_to_one)
        | "Together" >> beam.GroupByKey()
        | "Account" >> beam.Map(_account, layouts.classes(folders), report_uri)
    )


def _assign(resolved: pvalue.DoOutputsTuple, options: IngestOptions, ledger_uri: str) -> pvalue.DoOutputsTuple:
    """Near-copies find each other, a plan is made of all counts, and every image gets its split."""
    # Not CombineGlobally, whose dozen transforms cost more than grouping the few elements here.
    pairs = (
        resolved[steps.PRINTS]
        | "ByBand" >> beam.GroupByKey()
        | "Compare" >> beam.ParDo(_compare, options.near_duplicate_bits)
        | "AllPairs" >> beam.GroupByKey()
        | "Group" >> beam.Map(_group)
    )
    groups = pvalue.AsSingleton(pairs, default_value={})
    plan = (
        resolved.content
        | "Tally" >> beam.Map(_tally, groups)
        | "AllTallies" >> beam.GroupByKey()
        | "Plan" >> beam.Map(_plan, options.eval_fraction)
    )
    return resolved.content | "Assign" >> beam.ParDo(
        steps.Assign(ledger_uri), groups, pvalue.AsSingleton(plan)
    ).with_outputs(steps.OTHERS, main="shards")


def _compare(element: tuple[int, Iterable[np.ndarray]], distance: int) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of near-duplicates, uint64 [N, 2], among the rows of one band."""
    pairs = similarity.edges(np.concatenate(list(element[1])), distance)
    if len(pairs):
        yield 0, pairs


def _group(element: tuple[int, Iterable[np.ndarray]]) -> splits.Groups:
    """The group of each image that has near-copies; memory grows with their number only."""
    return similarity.components(similarity.unique(list(element[1])))


def _tally(content: steps.Content, groups: splits.Groups) -> tuple[int, splits.Tally]:
    tally = splits.Tally()
    for picture in content[1].records:
        tally.add(picture, groups)
    return 0, tally


def _plan(element: tuple[int, Iterable[splits.Tally]], eval_fraction: float) -> splits.Plan:
    total = splits.Tally()
    for tally in element[1]:
        total.merge(tally)
    return total.plan(eval_fraction)


def _nothing(_: bytes) -> Counter:
    return Counter()


def _to_one(outcomes: Counter | Batch) -> tuple[int, Counter | Batch]:
    return 0, outcomes


def _account(element: tuple[int, Iterable[Counter | Batch]], labels: set[str], report_uri: str) -> None:
    """Writes `report.json` and the lists of files."""
    counts, listed, near = Counter(), [], []
    for batch in element[1]:
        if isinstance(batch, Counter):
            counts += batch
            continue
        for outcome in batch.records:
            (near if isinstance(outcome, NearDuplicate) else listed).append(outcome)
    counts.update(report.key(outcome) for outcome in listed)
    report.write(report.build(counts, labels, near), report_uri)
    report.write_lists(listed, near, report_uri)
