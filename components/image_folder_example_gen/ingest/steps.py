"""The steps of ingest that read, sort out and write, each a `DoFn`."""

import functools
import gc
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator

import apache_beam as beam
from apache_beam import pvalue
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from components.image_folder_example_gen.ingest.batch import Batch
from components.image_folder_example_gen.inspection import inspection, similarity, threads
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import layouts, listing
from components.image_folder_example_gen.vocabulary.files import Picture, Refusal, Source
from components.image_folder_example_gen.whole_folder import duplicates, ledger, report, splits
from components.image_folder_example_gen.writing import shards
from trainer.base import progress

BATCH = 64
"""Files that travel as one element on their way to be examined."""
HELD = 2048
"""Pictures that are collected before they are handed on by parts."""
AHEAD = 64
"""Files that are being examined or wait for it, so that no thread is idle while Beam moves elements."""
PARTS = 16
"""Parts of the space of digests: what a worker holds is one part."""
OTHERS = "others"
PRINTS = "prints"
_REPORT_SECONDS = 0.5


Content = tuple[int, Batch, Batch]
"""One part of the images, by digest: its number, distinct images, and what an earlier run knew of others."""


class Walk(beam.DoFn):
    """Lists a folder: batches of `Source` under keys that spread them, `Refusal` and `Ignored` as `OTHERS`."""

    def __init__(self, options: IngestOptions):
        self._options = options

    def process(self, folder: layouts.Folder) -> Iterator[tuple[bytes, Batch]]:
        """Yields the content of one folder."""
        sources, others = [], []
        for found in listing.walk(folder, self._options.follow_links):
            (sources if isinstance(found, Source) else others).append(found)
            if len(sources) == BATCH:
                yield sources[0].path, Batch(sources)
                sources = []
            if len(others) == BATCH:
                yield pvalue.TaggedOutput(OTHERS, Batch(others))
                others = []
        if sources:
            yield sources[0].path, Batch(sources)
        if others:
            yield pvalue.TaggedOutput(OTHERS, Batch(others))


class Examine(beam.DoFn):
    """Reads and checks files in threads: `(part, pictures)` by digest, and `Refusal` as `OTHERS`."""

    def __init__(self, options: IngestOptions):
        self._options = options

    def setup(self):
        """Starts the threads."""
        self._pool = threads.Pool()
        # Python's collector, called for by the many records, would look through all of TensorFlow's and TFX's objects
        # each time, and no thread runs meanwhile.
        gc.freeze()
        self._seen = self._rejected = 0
        self._reported = time.monotonic()

    def start_bundle(self):
        """Begins with nothing in hand."""
        work = functools.partial(inspection.examine, options=self._options)
        self._stream = threads.Stream(self._pool, work, self._options.max_seconds, inspection.too_slow)
        self._held: list[Picture] = []

    def teardown(self):
        """Ends the threads."""
        gc.unfreeze()
        self._pool.shutdown()

    def process(self, element: tuple[bytes, Iterable[Batch]]) -> Iterator[tuple[int, Batch]]:
        """Begins with a batch, and yields what became of earlier ones."""
        for batch in element[1]:
            self._stream.put(batch.records)
            yield from self._take(AHEAD)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Yields what became of the rest."""
        yield from _windowed((*self._take(0), *self._parts()))

    def _take(self, leave: int) -> Iterator[tuple[int, Batch]]:
        refused = []
        for outcome in inspection.complete(list(self._stream.take(leave))):
            self._seen += 1
            (self._held if isinstance(outcome, Picture) else refused).append(outcome)
        if refused:
            self._rejected += len(refused)
            yield pvalue.TaggedOutput(OTHERS, Batch(refused))
        if len(self._held) >= HELD:
            yield from self._parts()
        if time.monotonic() - self._reported > _REPORT_SECONDS:
            self._reported = time.monotonic()
            progress.report(seen=self._seen, rejected=self._rejected)

    def _parts(self) -> Iterator[tuple[int, Batch]]:
        parts: dict[int, list[Picture]] = {}
        for picture in self._held:
            parts.setdefault(_part(picture.sha256), []).append(picture)
        self._held = []
        for part, pictures in parts.items():
            yield part, Batch(pictures)


class ReadLedger(beam.DoFn):
    """Reads a text file of the ledger: `(part, lines)`."""

    def process(self, path: str) -> Iterator[tuple[int, Batch]]:
        """Yields the lines by part."""
        parts: dict[int, list[tuple[str, str]]] = {}
        for sha256, split in ledger.read(path):
            parts.setdefault(_part(sha256), []).append((sha256, split))
        for part, lines in parts.items():
            yield part, Batch(lines)


class Resolve(beam.DoFn):
    """One `Picture` of each content; their fingerprints by band as `PRINTS`; copies and conflicts as `OTHERS`."""

    def process(self, element: tuple[int, Iterable[Batch]]) -> Iterator[Content]:
        """Yields what became of the files of one part."""
        part, batches = element
        unique, others, gone = duplicates.resolve_all(each for batch in batches for each in batch.records)
        yield pvalue.TaggedOutput(OTHERS, Batch(others))
        identities = [similarity.identity(picture.sha256) for picture in unique]
        for band, rows in enumerate(similarity.rows([picture.fingerprint for picture in unique], identities)):
            yield pvalue.TaggedOutput(PRINTS, (band, rows))
        # From here on nobody asks for the fingerprints, which are nearly half of what is known of a picture.
        yield part, Batch([picture._replace(fingerprint=b"") for picture in unique]), Batch(gone)


class Assign(beam.DoFn):
    """Gives images their split and their file in it, and writes the ledger.

    The images of a split are spread, by their digests, over as many files as its size asks for. Those left out, and
    members of groups, as `OTHERS`.
    """

    def __init__(self, ledger_uri: str):
        self._uri = ledger_uri

    def process(
        self, content: Content, groups: splits.Groups, plan: splits.Plan
    ) -> Iterator[tuple[tuple[str, int, int], Batch]]:
        """Yields `((split, shard, number of shards), pictures)`."""
        part, pictures, gone = content
        counts = {split: shards.count(plan.bytes[split]) for split in splits.NAMES}
        by_shard: dict[tuple[str, int, int], list[Picture]] = {}
        lines, others = [], []
        for picture in pictures.records:
            split, reported = splits.settle(picture, groups, plan)
            others += reported
            if split:
                lines.append((picture.sha256, split))
                shard = split, int(picture.sha256[-8:], 16) % counts[split], counts[split]
                by_shard.setdefault(shard, []).append(picture)
        yield pvalue.TaggedOutput(OTHERS, Batch(others))
        ledger.write(self._uri, part, PARTS, [*lines, *gone.records])
        for shard, assigned in by_shard.items():
            yield shard, Batch(assigned)


class WriteShard(beam.DoFn):
    """Writes the images of a shard: a count of them, as `report.build` wants it, and `Refusal` as `OTHERS`.

    A thread for each shard, several shards at once: records of one file have to be written one after the other.
    """

    def __init__(self, examples_uri: str, options: IngestOptions):
        self._uri, self._options = examples_uri, options

    def setup(self):
        """Starts the threads."""
        self._writers, self._decoders = threads.Pool(), threads.Pool()

    def start_bundle(self):
        """Begins with nothing in hand."""
        self._stream = threads.Stream(self._writers, self._write, chunk=1)

    def teardown(self):
        """Ends the threads."""
        self._writers.shutdown()
        self._decoders.shutdown()

    def process(self, element: tuple[tuple[str, int, int], Iterable[Batch]]) -> Iterator[Counter]:
        """Begins with one file, and yields what became of earlier ones."""
        shard, batches = element
        self._stream.put([(shard, [picture for batch in batches for picture in batch.records])])
        yield from self._take(self._writers.size)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Yields what became of the rest."""
        yield from _windowed(self._take(0))

    def _take(self, leave: int) -> Iterator[Counter]:
        for written, refused in self._stream.take(leave):
            yield pvalue.TaggedOutput(OTHERS, Batch(refused))
            yield written

    def _write(self, element: tuple[tuple[str, int, int], list[Picture]]) -> tuple[Counter, list[Refusal]]:
        (split, shard, shard_count), pictures = element
        destination = shards.path(split_folder(self._uri, split), shard, shard_count)
        name = f"{split}-{os.path.basename(destination)}-{os.getpid()}"
        unfinished = os.path.join(unfinished_folder(self._uri), name)
        written, refused = Counter(), []
        for outcome in shards.write(pictures, destination, unfinished, self._options, self._decoders):
            if isinstance(outcome, Refusal):
                refused.append(outcome)
            else:
                written[report.example_key(outcome, split)] += 1
        return written, refused


def split_folder(examples_uri: str, split: str) -> str:
    """Where TFX wants the files of a split."""
    return os.path.join(examples_uri, f"Split-{split}")


def unfinished_folder(examples_uri: str) -> str:
    """Where files are while they are written."""
    return os.path.join(examples_uri, ".unfinished")


def _part(sha256: str) -> int:
    return int(sha256[:2], 16) * PARTS >> 8


def _windowed(outputs: Iterable) -> Iterator[WindowedValue | pvalue.TaggedOutput]:
    """What `finish_bundle` yields has to name its window."""
    window = GlobalWindow()
    for output in outputs:
        if isinstance(output, pvalue.TaggedOutput):
            yield pvalue.TaggedOutput(output.tag, WindowedValue(output.value, window.max_timestamp(), [window]))
        else:
            yield WindowedValue(output, window.max_timestamp(), [window])
