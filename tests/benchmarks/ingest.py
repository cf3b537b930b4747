"""Images per second of ingest, against a one-thread loop that decodes the same files in full.

    python -m tests.benchmarks.ingest [--photos FOLDER] [--images 2000] [--keep FOLDER]

Ingest runs as the pipeline runs it (DirectRunner, in memory): listing, checks, measures, digests, grouping, and writing
the Examples. The yardstick is `Image.open(path).load()` over the same files in the same process, before and after;
cores shared with other work disturb both, so the CPU time per image is printed as well. Without `--photos` images are
drawn; of real photos different parts are taken, so that a small set makes a large one with hardly any copies. With
`--keep` they are made once and used again.
"""

import argparse
import itertools
import resource
import tempfile
import time
from pathlib import Path

import apache_beam as beam
import cv2
import numpy as np
from apache_beam.options.pipeline_options import PipelineOptions
from PIL import Image

from components.image_folder_example_gen.ingest import steps, transform
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import layouts
from components.image_folder_example_gen.whole_folder import report

CLASSES = 6


def draw(count: int, folder: Path) -> list[Path]:
    """`count` JPEGs of 384 x 512 pixels with the detail, and so the size (about 50 KB), of real photos."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (16, 12, 3), np.uint8)).resize(
            (384, 512), Image.Resampling.BICUBIC
        )
        grain = rng.normal(0, 7, (512, 384, 1))
        path = folder / f"{number}.jpg"
        Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8)).save(path, quality=85)
        paths.append(path)
    return paths


def multiply(originals: list[Path], count: int, folder: Path) -> list[Path]:
    """`count` files in class folders: the originals, then other parts of them, mirrored or not, at the same size.

    Those that are there already are left as they are.
    """
    paths = []
    for number, original in zip(range(count), itertools.cycle(originals)):
        path = folder / f"class{number % CLASSES}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            rng = np.random.default_rng(number)
            path.write_bytes(original.read_bytes() if number < len(originals) else _part(original, rng))
        paths.append(path)
    return paths


def _part(original: Path, rng: np.random.Generator) -> bytes:
    image = cv2.imread(str(original))
    height, width = image.shape[:2]
    share = rng.uniform(0.5, 0.8)
    top, left = (int(rng.uniform(0, (1 - share) * side)) for side in (height, width))
    part = image[top : top + int(share * height), left : left + int(share * width)]
    part = cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)[:, :: rng.choice((-1, 1))]
    # At this quality enlarged parts of photos have the size of the photos.
    return cv2.imencode(".jpg", np.ascontiguousarray(part), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def decode_all(paths: list[Path]) -> np.ndarray:
    """Seconds, on the clock and of the processor, to decode the files in full, one after the other."""
    start = clocks()
    for path in paths:
        Image.open(path).load()
    return clocks() - start


def clocks() -> np.ndarray:
    """Seconds on the clock and of the processor."""
    return np.array([time.perf_counter(), time.process_time()])


def ingest_all(root: Path, output: Path, beam_args: list[str]) -> tuple[np.ndarray, report.Report]:
    """Seconds, on the clock and of the processor, to ingest the folder, and the account of it."""
    options = IngestOptions()
    examples, account = output / "examples", output / "report"
    for folder in (
        account,
        output / "ledger",
        Path(steps.unfinished_folder(str(examples))),
        *(examples / f"Split-{s}" for s in ("train", "eval")),
    ):
        folder.mkdir(parents=True)
    start = clocks()
    with beam.Pipeline(options=PipelineOptions(beam_args)) as pipeline:
        transform.ingest(pipeline, layouts.folders(root), options, str(examples), str(account), str(output / "ledger"))
    return clocks() - start, report.read(str(account))


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of real JPEGs; drawn ones without it")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--keep", type=Path, help="folder for the images, which holds no others and no more")
    parser.add_argument("--mode", default="in_memory", choices=["in_memory", "multi_processing"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        (work / "drawn").mkdir()
        originals = sorted(arguments.photos.rglob("*.jpg")) if arguments.photos else draw(100, work / "drawn")
        root = arguments.keep or work / "photos"
        paths = multiply(originals, arguments.images, root)
        beam_args = ["--runner=DirectRunner", f"--direct_running_mode={arguments.mode}"]
        beam_args += ["--direct_num_workers=0"] if arguments.mode == "multi_processing" else []
        before = decode_all(paths)
        seconds, account = ingest_all(root, work / "out", beam_args)
        loop = (before + decode_all(paths)) / 2
        print(
            f"{account.examples} examples of {account.seen} files, {sum(p.stat().st_size for p in paths) / 1e6:.0f} MB"
        )
        for name, (clock, processor) in {"one-thread full decode": loop, "ingest": seconds}.items():
            print(f"{name:24}{len(paths) / clock:7.0f} images/s {processor / len(paths) * 1e3:7.2f} ms CPU per image")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak resident memory {peak:.0f} MiB, {account.near_duplicates.images} images with near-copies")
        print(
            f"ingest is {loop[0] / seconds[0]:.2f} x as fast as the loop, for {seconds[1] / loop[1]:.2f} x its CPU time"
        )


if __name__ == "__main__":
    main()
