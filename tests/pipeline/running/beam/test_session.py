"""When Flink's job server is started and stopped; a script stands in for Java."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from pipeline.configuration.beam import BeamOptions
from pipeline.running.beam.flink import Session
from trainer.base.errors import UserError

JAVA = """#!{python} -S
import os, socket, sys
open({home!r} + "/started", "a").write(str(os.getpid()) + chr(10))
open({home!r} + "/arguments", "w").write(chr(10).join(sys.argv))
port = next(int(each.partition("=")[2]) for each in sys.argv if each.startswith("--job-port="))
server = socket.create_server(("localhost", port))
while True:
    server.accept()
"""


@pytest.fixture
def options(tmp_path, monkeypatch):
    """A session's options, whose `java` notes that it was started."""
    (tmp_path / "bin").mkdir()
    java(tmp_path, JAVA.format(python=sys.executable, home=str(tmp_path)))
    (tmp_path / "beam-runners-flink-1.jar").touch()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return BeamOptions(runner="flink", jars=tmp_path)


def java(home, script):
    program = home / "bin" / "java"
    program.write_text(script)
    program.chmod(0o755)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_session_starts_when_it_is_needed_and_ends_with_the_block_also_after_an_error(options, tmp_path):
    with Session(options) as session:
        pass
    assert not (tmp_path / "started").exists()
    session = Session(options, ["--more"])
    with contextlib.suppress(KeyError), session:
        given = session.arguments()
        assert session.arguments() == given
        assert given[-1] == "--more"
        [pid] = map(int, (tmp_path / "started").read_text().split())
        assert alive(pid)
        raise KeyError
    assert not alive(pid)
    assert "--flink-master=[local]" in (tmp_path / "arguments").read_text()


def test_an_address_is_where_the_job_server_submits(options, tmp_path):
    with Session(options.model_copy(update={"address": "cluster:8081"})) as session:
        session.arguments()
    assert "--flink-master=cluster:8081" in (tmp_path / "arguments").read_text()


def test_a_job_server_that_does_not_start_is_said(options, tmp_path):
    java(tmp_path, "#!/bin/sh\nexit 3\n")
    with pytest.raises(UserError, match="the job server did not start"), Session(options) as session:
        session.arguments()


def test_the_job_server_ends_with_a_run_that_is_killed(options, tmp_path):
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom pipeline.running.beam import flink\n"
        "from pipeline.configuration import beam as options\n"
        "session = flink.Session(options.BeamOptions(runner='flink', jars=Path(sys.argv[1])))\n"
        "session.arguments()\nos.kill(os.getpid(), 9)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert run.returncode == -signal.SIGKILL
    [pid] = map(int, (tmp_path / "started").read_text().split())
    deadline = time.monotonic() + 30
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def test_what_is_missing_is_named(options, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"there is no Flink in .*/none: fetch it with `make flink`"):
        Session(options.model_copy(update={"jars": tmp_path / "none"}))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="needs Java"):
        Session(options)
