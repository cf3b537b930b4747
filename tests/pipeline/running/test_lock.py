"""The lock of a workspace, between real processes."""

import itertools
import json
import os
import signal
import subprocess
import sys

import pytest

from pipeline.running import lock
from trainer.base.errors import UserError

HOLDER = """
import sys, time, pathlib
from pipeline.running import lock
with lock.hold(pathlib.Path(sys.argv[1])) as stale:
    print("held", stale, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held None\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_run_is_told_who_holds_it(holder, tmp_path):
    with (
        pytest.raises(lock.LockedError, match=rf"held by another run: process {holder.pid} on .+, since \d{{4}}-"),
        lock.hold(tmp_path),
    ):
        pass


def test_a_killed_holder_is_recognised_and_succeeded(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with lock.hold(tmp_path) as stale:
        assert stale["pid"] == holder.pid
        assert json.loads((tmp_path / lock.FILE_NAME).read_text())["pid"] == os.getpid()
    with lock.hold(tmp_path) as stale:
        assert stale is None


def test_an_exception_leaves_no_stale_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), lock.hold(tmp_path):
        raise ZeroDivisionError
    with lock.hold(tmp_path) as stale:
        assert stale is None


def test_a_child_that_outlives_the_run_does_not_keep_it(tmp_path):
    code = HOLDER.replace("time.sleep(60)", "import os; os.fork() or time.sleep(60)")
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.wait()
    with lock.hold(tmp_path):
        pass


@pytest.mark.parametrize("left", ["", "{", "[]", "null"])
def test_a_damaged_lock_file_is_no_obstacle(tmp_path, left):
    (tmp_path / lock.FILE_NAME).write_text(left)
    with lock.hold(tmp_path) as stale:
        assert stale is None


def test_two_at_once_are_never_both_in(tmp_path):
    code = HOLDER.replace("time.sleep(60)", "start = time.time(); time.sleep(0.2); print(start, time.time())")
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(4)
    ]
    outputs = [process.communicate()[0].decode().splitlines() for process in started]
    times = sorted(tuple(map(float, lines[1].split())) for lines in outputs if lines)
    assert times
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))


def test_a_workspace_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"workspace .*file/w: cannot be written"), lock.hold(tmp_path / "file" / "w"):
        pass
