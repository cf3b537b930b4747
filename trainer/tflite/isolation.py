"""Conversion in a process of its own.

TensorFlow's converter does not always raise: on a graph that it does not expect, LLVM aborts the whole process ("LLVM
ERROR: Failed to infer result type(s)"). A variant that cannot be made must not end the run, so a worker converts; when
it dies, the variant that it was at is the culprit and a new worker goes on with the next one.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from trainer.tflite.contract import Tensors
from trainer.tflite.options import Variant

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One conversion, with the arguments of `trainer.tflite.convert.convert`."""

    saved_model: str
    variant: Variant
    images: Sequence[str]
    quantised: Sequence[str]
    float_operations: Sequence[str]
    bias_examples: int
    calibration: str
    """Folder with one `<input>.npy` per input, [examples, 1, ...]; "" where the variant needs none."""
    output: str
    """File to write; a conversion that fails leaves its reason in `<output>.error`."""


@dataclass(frozen=True)
class Conversion:
    """What became of a job: the TFLite file's content, or why there is none."""

    content: bytes | None
    reason: str


def convert_all(jobs: Sequence[Job]) -> list[Conversion]:
    """Runs the jobs of each SavedModel one after another in a worker; workers of several run side by side."""
    of_model: dict[str, list[Job]] = {}
    for job in jobs:
        of_model.setdefault(job.saved_model, []).append(job)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(_convert, of_model.values()))
    return [_result(job) for job in jobs]


def _convert(jobs: Sequence[Job]) -> None:
    """Has a worker run jobs one after another, and further ones as often as one dies."""
    waiting = jobs
    while waiting:
        status, last_words = _work(waiting)
        unfinished = next((index for index, job in enumerate(waiting) if not _finished(job)), None)
        if unfinished is None:
            break
        culprit = waiting[unfinished]
        _error_file(culprit).write_text(f"the converter died (exit status {status}): {last_words}", encoding="utf-8")
        waiting = waiting[unfinished + 1 :]


def save_calibration(folder: Path, samples: Iterable[Tensors]) -> None:
    """Writes calibration inputs where a worker reads them, in the form of `Job.calibration`."""
    folder.mkdir(parents=True)
    stacked: dict[str, list[np.ndarray]] = {}
    for sample in samples:
        for name, values in sample.items():
            stacked.setdefault(name, []).append(values)
    for name, values in stacked.items():
        np.save(folder / f"{name}.npy", np.stack(values))


def load_calibration(folder: str) -> Callable[[], Iterable[Tensors]]:
    """The samples that `save_calibration` wrote, afresh at each call."""
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in sorted(Path(folder).glob("*.npy"))} if folder else {}
    return lambda: (dict(zip(arrays, values, strict=True)) for values in zip(*arrays.values(), strict=True))


def work(jobs: Iterable[Job]) -> None:
    """What a worker does: converts, and leaves for each job a file or a reason."""
    from trainer.tflite.convert import convert  # TensorFlow, which the process that starts workers need not have

    for job in jobs:
        try:
            content = convert(
                Path(job.saved_model),
                job.variant,
                load_calibration(job.calibration),
                images=job.images,
                quantised=job.quantised,
                float_operations=job.float_operations,
                bias_examples=job.bias_examples,
            )
        except Exception as error:  # the converter raises anything, from ValueError to its own ConverterError
            LOGGER.warning("could not convert %s to %s", job.saved_model, job.variant, exc_info=True)
            lines = str(error).strip().splitlines()
            _error_file(job).write_text(lines[0] if lines else type(error).__name__, encoding="utf-8")
        else:
            unfinished = Path(f"{job.output}.part")
            unfinished.write_bytes(content)
            unfinished.rename(job.output)


def _work(jobs: Sequence[Job]) -> tuple[int, str]:
    """Runs a worker; returns its exit status and the last line that it said."""
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps([asdict(job) for job in jobs]).encode(),
            stdout=said,
            stderr=said,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    for line in lines:
        LOGGER.info("converter: %s", line)
    return done.returncode, lines[-1] if lines else "it said nothing"


def _finished(job: Job) -> bool:
    return Path(job.output).exists() or _error_file(job).exists()


def _result(job: Job) -> Conversion:
    if Path(job.output).exists():
        return Conversion(Path(job.output).read_bytes(), "")
    return Conversion(None, _error_file(job).read_text(encoding="utf-8"))


def _error_file(job: Job) -> Path:
    return Path(f"{job.output}.error")


if __name__ == "__main__":
    work([Job(**job) for job in json.load(sys.stdin)])
