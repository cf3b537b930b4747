"""The arguments of Apache Beam for the runner that the configuration names."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.configuration.beam import BeamOptions
from trainer.base.errors import UserError

NO_SDIST = "--sdk_container_image=unused"
"""Without a flag that says where workers find their dependencies, TFX packs itself into an sdist before each of its
dozen Beam jobs, for seconds of work and 20 MB each. Workers that are threads or processes here read no image."""
LOCAL = (
    # Beam's default local runner starts Prism on the current stack, which is slow and flaky.
    "--direct_running_mode=in_memory",
    NO_SDIST,
)
"""The arguments when nothing is configured: one worker, a thread of this process."""
WORKERS_WAIT_MS = 20_000
"""How long workers outlive a step of a batch job: Flink would start new ones, with ten seconds of imports, for each."""
EXCHANGE = ("--execution_mode_for_batch=BATCH_FORCED", "--load_balance_bundles")
"""Flink finishes a step before the next one reads it, from disk: what Transform has read and not yet transformed would
else wait in memory, of Flink and of the worker. A step's parts go to whichever worker is free; else each part has a
worker from the start, and by chance both parts of the longest step had the same."""
DATAFLOW = ("project", "region", "temp_location", "sdk_container_image")
"""What only the person knows, and gives in `beam_args`."""


def arguments(options: BeamOptions, given: Sequence[str] = (), endpoint: str | None = None) -> list[str]:
    """Beam's arguments, those of `beam_args` last, so that they win.

    `given` are the configuration's `beam_args`; `endpoint` is `HOST:PORT` of a job server, for `flink`.

    Raises:
        UserError: `beam_args` lacks what Dataflow needs.
    """
    if any(argument.startswith("--runner") for argument in given):
        local = any(argument.startswith("--runner") and "Direct" in argument for argument in given)
        return [*(LOCAL if local else ()), *given]
    if options.runner == "direct":
        return [*_direct(options), *given]
    if options.runner == "dataflow":
        return [*_dataflow(options, given), *given]
    workers = [
        "--environment_type=PROCESS",
        f"--environment_config={_worker(options)}",
        f"--sdk_worker_parallelism={options.processes}",
        f"--environment_cache_millis={WORKERS_WAIT_MS}",
        NO_SDIST,
    ]
    if options.runner == "spark":
        return ["--runner=SparkRunner", f"--spark_master_url={options.address}", *workers, *given]
    parallelism = options.parallelism or options.processes
    runner = ["--runner=PortableRunner", f"--job_endpoint={endpoint}", f"--parallelism={parallelism}", *EXCHANGE]
    return [*runner, *workers, *given]


def _direct(options: BeamOptions) -> list[str]:
    if options.processes == 1:
        return list(LOCAL)
    return ["--direct_running_mode=multi_processing", f"--direct_num_workers={options.processes}", NO_SDIST]


def _dataflow(options: BeamOptions, given: Sequence[str]) -> list[str]:
    names = {argument.lstrip("-").partition("=")[0] for argument in given}
    if missing := [f"--{name}=..." for name in DATAFLOW if name not in names]:
        raise UserError(f"beam.runner: dataflow also needs {', '.join(missing)} in beam_args")
    return ["--runner=DataflowRunner", f"--num_workers={options.processes}"]


def _worker(options: BeamOptions) -> str:
    """How a worker process is started: Beam's description of a process environment."""
    threads = options.threads or max(1, len(os.sched_getaffinity(0)) // options.processes)
    command = options.worker or str(Path(sys.executable).with_name("easel-beam-worker"))
    return json.dumps({"command": command, "env": {"EASEL_THREADS": str(threads)}})
