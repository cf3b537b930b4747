"""Ingest as a Beam pipeline.

The images are read twice: once to check and measure them, once to write them. Between the two only tuples without
pixels travel, so that grouping (by content, by shard) is cheap on every runner and memory is bounded; a second read
costs far less than moving the bytes through Beam.
"""

import functools
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import apache_beam as beam
from apache_beam import pvalue

from components.image_folder_example_gen import (
    duplicates,
    inspection,
    listing,
    report,
    shards,
    splits,
    threads,
)
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.records import Duplicate, Ignored, Picture, Refusal, Source
from trainer import progress

BATCH = 64
"""Files that travel as one element: Beam's cost per element is near that of decoding a small photo."""
OTHERS = "others"
_REPORT_SECONDS = 0.5


class Walk(beam.DoFn):
    """Lists a folder: batches of `Source`, and `Refusal` and `Ignored` as `OTHERS`."""

    def __init__(self, options: IngestOptions):
        self._options = options

    def process(self, folder: listing.Folder) -> Iterator[list[Source]]:
        """Yields the content of one folder."""
        batch = []
        for found in listing.walk(folder, self._options.follow_links):
            if not isinstance(found, Source):
                yield pvalue.TaggedOutput(OTHERS, found)
                continue
            batch.append(found)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


class Examine(beam.DoFn):
    """Reads and checks a batch of files in threads: `(digest, Picture)`, and `Refusal` as `OTHERS`."""

    def __init__(self, options: IngestOptions):
        self._options = options

    def setup(self):
        """Starts the threads."""
        self._pool = threads.pool()
        self._seen = self._rejected = 0
        self._reported = time.monotonic()

    def teardown(self):
        """Ends the threads."""
        self._pool.shutdown()

    def process(self, batch: list[Source]) -> Iterator[tuple[str, Picture]]:
        """Yields what became of each file."""
        for outcome in threads.ordered(self._pool, functools.partial(inspection.examine, options=self._options), batch):
            if isinstance(outcome, Picture):
                yield outcome.sha256, outcome
            else:
                self._rejected += 1
                yield pvalue.TaggedOutput(OTHERS, outcome)
        self._seen += len(batch)
        if time.monotonic() - self._reported > _REPORT_SECONDS:
            self._reported = time.monotonic()
            progress.report(seen=self._seen, rejected=self._rejected)


class Resolve(beam.DoFn):
    """One `Picture` of each content; copies and conflicts as `OTHERS`."""

    def process(self, group: tuple[str, Iterable[Picture]]) -> Iterator[Picture]:
        """Yields what became of the files of one content."""
        kept, others = duplicates.resolve(group[1])
        for other in others:
            yield pvalue.TaggedOutput(OTHERS, other)
        if kept:
            yield kept


class WriteShard(beam.DoFn):
    """Writes the images of one shard: a count of them, as `report.build` wants it, and `Refusal` as `OTHERS`."""

    def __init__(self, examples_uri: str, options: IngestOptions):
        self._uri, self._options = examples_uri, options

    def setup(self):
        """Starts the threads."""
        self._pool = threads.pool()

    def teardown(self):
        """Ends the threads."""
        self._pool.shutdown()

    def process(self, element: tuple[tuple[str, int, int], Iterable[Picture]]) -> Iterator[Counter]:
        """Writes one file."""
        (split, shard, shard_count), pictures = element
        destination = shards.path(split_folder(self._uri, split), shard, shard_count)
        name = f"{split}-{os.path.basename(destination)}-{os.getpid()}"
        unfinished = os.path.join(unfinished_folder(self._uri), name)
        written = Counter()
        for outcome in shards.write(pictures, destination, unfinished, self._options, self._pool):
            if isinstance(outcome, Refusal):
                yield pvalue.TaggedOutput(OTHERS, outcome)
            else:
                written[report.example_key(outcome, split)] += 1
        yield written


def split_folder(examples_uri: str, split: str) -> str:
    """Where TFX wants the files of a split."""
    return os.path.join(examples_uri, f"Split-{split}")


def unfinished_folder(examples_uri: str) -> str:
    """Where files are while they are written."""
    return os.path.join(examples_uri, ".unfinished")


def ingest(
    pipeline: beam.Pipeline, folders: list[listing.Folder], options: IngestOptions, examples_uri: str, report_uri: str
) -> None:
    """Adds ingest to a pipeline: images from the folders, Examples and the report's files to the two places."""
    walked = (
        pipeline
        | "Folders" >> beam.Create(folders)
        | "SpreadFolders" >> beam.Reshuffle()
        | "Walk" >> beam.ParDo(Walk(options)).with_outputs(OTHERS, main="batches")
    )
    examined = (
        walked.batches
        | "SpreadFiles" >> beam.Reshuffle()
        | "Examine" >> beam.ParDo(Examine(options)).with_outputs(OTHERS, main="pictures")
    )
    resolved = (
        examined.pictures
        | "ByContent" >> beam.GroupByKey()
        | "Resolve" >> beam.ParDo(Resolve()).with_outputs(OTHERS, main="unique")
    )
    extremes = resolved.unique | "Draw" >> beam.Map(_with_draw) | "Extremes" >> beam.CombinePerKey(splits.merge)
    assigned = resolved.unique | "Split" >> beam.Map(_with_split, options.eval_fraction, pvalue.AsDict(extremes))
    written = _write(assigned, options, examples_uri)
    start = pipeline | "Nothing" >> beam.Create([Counter()])  # so that even an empty folder has its account
    labels = {folder.label for folder in folders if folder.label and not folder.misplaced}
    (
        (start, written.written, walked[OTHERS], examined[OTHERS], resolved[OTHERS], written[OTHERS])
        | "Outcomes" >> beam.Flatten()
        | "ToOne" >> beam.Map(_to_one)
        | "Together" >> beam.GroupByKey()
        | "Account" >> beam.Map(_account, labels, report_uri)
    )


def _with_draw(picture: Picture) -> tuple[str, splits.Extremes]:
    number = splits.draw(picture.sha256)
    return picture.source.label, (number, number)


def _with_split(picture: Picture, eval_fraction: float, extremes: dict[str, splits.Extremes]) -> tuple[str, Picture]:
    return splits.assign(picture, eval_fraction, extremes[picture.source.label]), picture


def _write(assigned: beam.PCollection, options: IngestOptions, examples_uri: str) -> pvalue.DoOutputsTuple:
    """Spreads the images of a split over as many files as their size asks for, by the hash of their content."""
    totals = (
        assigned
        | "Sizes" >> beam.MapTuple(lambda split, picture: (split, picture.source.size))
        | "Total" >> beam.CombinePerKey(sum)
    )
    return (
        assigned
        | "ToShard" >> beam.Map(_with_shard, pvalue.AsDict(totals))
        | "ByShard" >> beam.GroupByKey()
        | "Write" >> beam.ParDo(WriteShard(examples_uri, options)).with_outputs(OTHERS, main="written")
    )


def _with_shard(element: tuple[str, Picture], totals: dict[str, int]) -> tuple[tuple[str, int, int], Picture]:
    split, picture = element
    shard_count = shards.count(totals[split])
    return (split, int(picture.sha256[-8:], 16) % shard_count, shard_count), picture


def _to_one(outcome: Counter | Refusal | Duplicate | Ignored) -> tuple[int, Counter | Refusal | Duplicate | Ignored]:
    return 0, outcome


def _account(
    element: tuple[int, Iterable[Counter | Refusal | Duplicate | Ignored]], labels: set[str], report_uri: str
) -> None:
    """Writes `report.json` and the lists of files."""
    counts, lists = Counter(), defaultdict(list)
    for outcome in element[1]:
        if isinstance(outcome, Counter):
            counts += outcome
        else:
            counts[report.key(outcome)] += 1
            lists[type(outcome)].append(outcome)
    report.write(report.build(counts, labels), report_uri)
    for kind, name in ((Refusal, report.REJECTED), (Duplicate, report.DUPLICATES), (Ignored, report.IGNORED)):
        with open(os.path.join(report_uri, name), "w", encoding="utf-8") as file:
            file.writelines(outcome.to_json() + "\n" for outcome in sorted(lists[kind]))
