"""The data lane on one of Beam's runners: seconds of each step, processor time by process, and memory.

    python -m tests.benchmarks.runners --photos FOLDER [--beam '{runner: flink, workers: 2, threads: 1}']

`threads: 1` makes a worker worth one processor, so that two workers against one is two processors against one. For
images to run it on: `python -m tests.benchmarks.lane --keep FOLDER`.
"""

import argparse
import os
import resource
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

import yaml

from pipeline import dag
from pipeline.configuration.config import load
from pipeline.planning import snapshot
from pipeline.running import batches
from pipeline.running.beam import reading
from pipeline.running.beam.flink import Session
from pipeline.terminal import quiet
from tests.benchmarks.lane import DataLane

KINDS = {"FlinkJobServerDriver": "Flink", "easel-beam-worker": "worker", "sdk_worker_main": "worker"}
TICK, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class Watch(threading.Thread):
    """Looks at the processes below this one, twice a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seconds: dict[tuple[str, int], float] = {}
        self.peak: dict[tuple[str, int], int] = defaultdict(int)

    def run(self) -> None:
        """Until the program ends."""
        while True:
            for pid in _below(os.getpid()):
                try:
                    said = Path(f"/proc/{pid}/cmdline").read_text()
                    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                kind = next((name for part, name in KINDS.items() if part in said), None)
                if kind:
                    self.seconds[kind, pid] = (int(fields[11]) + int(fields[12])) / TICK
                    self.peak[kind, pid] = max(self.peak[kind, pid], int(fields[21]) * PAGE)
            time.sleep(0.5)


def _below(pid: int) -> list[int]:
    try:
        text = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []
    children = [int(each) for each in text.split()]
    return children + [each for child in children for each in _below(child)]


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--beam", default="{}", help="the section `beam`, as YAML")
    arguments = parser.parse_args()
    watch = Watch()
    watch.start()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        lane = {"photos": str(arguments.photos), "backbone": {"name": "small_cnn", "weights": "none"}}
        settings = {"workspace": str(work / "workspace"), "classifier": lane, "data_gate": {"min_images": 1}}
        (work / "easel.yaml").write_text(yaml.safe_dump({**settings, "beam": yaml.safe_load(arguments.beam)}))
        start = time.perf_counter()
        with quiet.capture(work / "log"):
            config = load(work / "easel.yaml")
            batches.bound_by_bytes()
            reading.share(config.beam)
            with Session(config.beam) as beam:
                runner = DataLane(beam.arguments)
                trace = runner.run(dag.build(config, snapshot.take(config))[0])
        assert not trace.errors, (trace.errors, (work / "log").read_text()[-3000:])
        took = time.perf_counter() - start
        images = sum(1 for path in arguments.photos.rglob("*") if path.is_file())
    own = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{arguments.beam}: {images} images in {took:.1f} s, {images / took:.0f} images/s")
    for node, seconds in runner.seconds.items():
        if seconds > 1:
            print(f"    {node:40}{seconds:7.1f} s")
    print(f"    driver: {own.ru_utime + own.ru_stime:.0f} CPU s, peak {own.ru_maxrss / 1024:.0f} MiB")
    for kind in sorted({kind for kind, _ in watch.seconds}):
        seconds = [value for (name, _), value in watch.seconds.items() if name == kind]
        peaks = [value for (name, _), value in watch.peak.items() if name == kind]
        each = " + ".join(f"{value:.0f}" for value in seconds)
        print(f"    {kind}: {each} = {sum(seconds):.0f} CPU s, largest {max(peaks) / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
