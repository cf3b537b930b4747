"""The whole data lane: images per second from files to transformed Examples, memory, `easel check`, a no-change re-run.

    python -m tests.benchmarks.lane [--photos FOLDER] [--images 10000] [--keep FOLDER]

Everything runs as `easel run` and `easel check` run it, without what trains. The yardstick is the loop of the ingest
benchmark, whose images it shares with `--keep`.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from pipeline import dag
from pipeline.configuration.config import load
from pipeline.planning import snapshot
from pipeline.running.beam.arguments import LOCAL
from pipeline.running.lane_runner import LaneRunner
from pipeline.terminal import quiet
from tests.benchmarks.ingest import decode_all, draw, multiply

LANE = {"ImageFolderExampleGen", "StatisticsGen", "SchemaSource", "ExampleValidator", "DistributionValidator"}
LANE |= {"DriftBaseline", "DataGate", "Transform"}


class DataLane(LaneRunner):
    """Runs the nodes of the data lane, and says how long each took."""

    def __init__(self, beam_arguments: Callable[[], Sequence[str]] = lambda: LOCAL):
        super().__init__(self._on_state, beam_arguments=beam_arguments)
        self.seconds: dict[str, float] = {}

    def _on_state(self, node: str, state: str) -> None:
        now = time.perf_counter()
        self.seconds[node] = now - self._started if state != "running" else 0
        self._started = now

    def run_with_ir(self, pipeline, run_options=None):
        """Runs the lane."""
        for index in reversed(range(len(pipeline.nodes))):
            if pipeline.nodes[index].pipeline_node.node_info.id.split(".")[0] not in LANE:
                del pipeline.nodes[index]
        return super().run_with_ir(pipeline, run_options)


def run(config_file: Path, log: Path) -> tuple[float, dict[str, float], set[str]]:
    """Seconds of a run, of each node, and the states that nodes ended in."""
    start = time.perf_counter()
    with quiet.capture(log):
        config = load(config_file)
        lane = DataLane()
        trace = lane.run(dag.build(config, snapshot.take(config))[0])
    assert not trace.errors, trace.errors
    return time.perf_counter() - start, lane.seconds, set(trace.states.values())


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of real JPEGs; drawn ones without it")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="folder for the images, which holds no others and no more")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        (work / "drawn").mkdir()
        originals = sorted(arguments.photos.rglob("*.jpg")) if arguments.photos else draw(100, work / "drawn")
        root = arguments.keep or work / "photos"
        paths = multiply(originals, arguments.images, root)
        config_file = work / "easel.yaml"
        lane = {"photos": str(root), "backbone": {"name": "small_cnn", "weights": "none"}}
        policy = {"min_images": 1}
        config_file.write_text(
            yaml.safe_dump({"workspace": str(work / "workspace"), "classifier": lane, "data_gate": policy})
        )
        loop = decode_all(paths[:2000])[0] / min(2000, len(paths))
        start = time.perf_counter()
        subprocess.run([Path(sys.executable).with_name("easel"), "check", config_file], check=True, capture_output=True)
        check = time.perf_counter() - start
        seconds, nodes, _ = run(config_file, work / "log")
        again, _, states = run(config_file, work / "log")
        assert states == {"cached"}, states
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{len(paths)} images; one-thread full decode: {1 / loop:.0f} images/s")
        print(f"lane, files to transformed: {seconds:.1f} s, {len(paths) / seconds:.0f} images/s, peak {peak:.0f} MiB")
        for node, took in nodes.items():
            print(f"    {node:40}{took:7.1f} s")
        print(f"no-change re-run: {again:.1f} s")
        print(f"easel check, imports included: {check:.1f} s")


if __name__ == "__main__":
    main()
