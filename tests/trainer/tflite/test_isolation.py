import dataclasses
import sys

import numpy as np
import pytest

from trainer.tflite import isolation
from trainer.tflite.isolation import Job


def job(tmp_path, name):
    return Job("nowhere", "float32", (), (), (), 0, "", str(tmp_path / f"{name}.tflite"))


@pytest.fixture
def worker(monkeypatch):
    """Replaces the program that workers run by a few lines of Python, without TensorFlow."""

    def replace(program):
        run = isolation.subprocess.run
        monkeypatch.setattr(
            isolation.subprocess,
            "run",
            lambda command, **kwargs: run([sys.executable, "-c", program], **kwargs),
        )

    return replace


def test_a_worker_that_dies_costs_only_the_job_that_it_was_at(tmp_path, worker):
    worker(
        "import json, os, sys\n"
        "for job in json.load(sys.stdin):\n"
        "    if 'bad' in job['output']:\n"
        "        print('LLVM ERROR: no result type', file=sys.stderr, flush=True)\n"
        "        os.abort()\n"
        "    open(job['output'], 'wb').write(b'model')\n"
    )
    jobs = [job(tmp_path, name) for name in ("first", "bad", "second", "worse-bad")]
    died = "the converter died (exit status -6): LLVM ERROR: no result type"
    assert [(done.content, done.reason) for done in isolation.convert_all(jobs)] == [
        (b"model", ""),
        (None, died),
        (b"model", ""),
        (None, died),
    ]


def test_a_worker_that_never_starts_is_reported_for_every_job(tmp_path, worker):
    worker("raise SystemExit('no module')")
    reasons = [done.reason for done in isolation.convert_all([job(tmp_path, "a"), job(tmp_path, "b")])]
    assert reasons == ["the converter died (exit status 1): no module"] * 2


def test_jobs_of_several_saved_models_are_run_side_by_side(tmp_path, worker, monkeypatch):
    monkeypatch.setattr(isolation.os, "sched_getaffinity", lambda _: {0, 1})
    # Each worker waits for the other's file: one after another neither would end well.
    worker(
        "import json, os, sys, time\n"
        "(job,) = json.load(sys.stdin)\n"
        "open(job['output'], 'wb').write(b'model')\n"
        "for _ in range(3000):\n"
        "    if len([name for name in os.listdir(os.path.dirname(job['output'])) if name.endswith('.tflite')]) == 2:\n"
        "        sys.exit()\n"
        "    time.sleep(0.01)\n"
        "os.remove(job['output'])\n"
    )
    jobs = [dataclasses.replace(job(tmp_path, name), saved_model=name) for name in ("a", "b")]
    assert [done.content for done in isolation.convert_all(jobs)] == [b"model"] * 2


def test_a_conversion_that_raises_leaves_its_first_line(tmp_path):
    isolation.work([job(tmp_path, "a")])
    assert "nowhere" in (tmp_path / "a.tflite.error").read_text()


def test_calibration_arrives_as_it_was_sent(tmp_path):
    sent = [{"image": np.full((1, 2, 2, 3), i, np.float32), "code": np.full((1, 4), -i, np.float32)} for i in range(3)]
    isolation.save_calibration(tmp_path / "c", iter(sent))
    load = isolation.load_calibration(str(tmp_path / "c"))
    for received in (list(load()), list(load())):
        assert len(received) == 3
        for before, after in zip(sent, received, strict=True):
            assert {name: array.tolist() for name, array in after.items()} == {
                name: array.tolist() for name, array in before.items()
            }


def test_a_worker_converts(tmp_path, classifier):
    good = Job(str(classifier.saved_model), "float32", (), (), (), 0, "", str(tmp_path / "good.tflite"))
    bad, good = isolation.convert_all([job(tmp_path, "bad"), good])
    assert (bad.content, bool(bad.reason)) == (None, True)
    assert good.content[4:8] == b"TFL3"
