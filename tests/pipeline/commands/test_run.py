"""`easel run`: exit codes, hooks, locks, and what goes to which stream."""

import datetime
import errno
import io
import json
import os
import re
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from easel_serving.registry.registry import Registry

from pipeline.running import lock
from pipeline.running.dry_run_report import DryRunReport
from tests.pipeline.commands.command import easel, finishing_with
from trainer.base.errors import UserError


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["pushed", "unchanged"], 0),
        (["pushed", "rejected"], 4),
        (["rejected", "stopped"], 3),
        (["stopped", "failed"], 1),
    ],
)
def test_run_exits_by_its_outcomes(config_file, fake_runner, outcomes, code):
    fake_runner(finishing_with(*outcomes))
    assert easel("run", config_file).exit_code == code


def test_run_without_a_terminal_prints_lines_and_the_table(config_file, fake_runner, folders, capfd):
    fake_runner(finishing_with("unchanged"))
    result = easel("run", config_file)
    assert "photos / read images: done" in result.stdout
    assert "m0" in result.stdout
    [log] = (folders / "work" / "logs").iterdir()
    assert f"log: {log}" in result.stdout
    assert log.name in result.stdout.splitlines()[-2]


def test_run_json_is_one_document_and_nothing_else(config_file, fake_runner, folders):
    fake_runner(finishing_with("rejected"))
    result = easel("run", config_file, "--json")
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert document["run_id"] == "run-1"
    assert document["exit_code"] == result.exit_code == 4
    assert document["models"][0]["outcome"] == "rejected"
    assert Path(document["log"]).is_relative_to(folders / "work" / "logs")
    assert document["serving"] == str(folders / "work" / "serving")


@pytest.mark.parametrize(("outcome", "times"), [("unchanged", 1), ("rejected", 1), ("pushed", 0)])
def test_a_server_that_has_not_heard_is_told_by_a_run_that_pushes_nothing(
    config_file, fake_runner, folders, monkeypatch, outcome, times
):
    from easel_serving.registry.remote import NotToldError, Remote

    told = []

    def announce(remote, root):
        told.append((remote.address, root))
        if len(told) == 2:
            raise NotToldError("tfs:8500: UNAVAILABLE", root)

    monkeypatch.setattr(Remote, "announce", announce)
    fake_runner(finishing_with(outcome))
    command = ["run", config_file, "--json", "--set", "serving_address=tfs:8500"]
    assert easel(*command).exit_code in (0, 4)
    assert told == []  # nothing was ever pushed
    (folders / "work" / "serving").mkdir(parents=True)
    assert json.loads(easel(*command).stdout)["warnings"] == []
    assert told == [("tfs:8500", folders / "work" / "serving")] * times
    warnings = json.loads(easel(*command).stdout)["warnings"]
    assert [warning.partition(";")[0] for warning in warnings] == ["tfs:8500: UNAVAILABLE"] * times


def test_paintings_among_the_photos_are_said_by_run_and_dry_run(config_file, fake_runner, folders, monkeypatch):
    (folders / "paintings").rename(folders / "photos" / "paintings")
    fake_runner(finishing_with("pushed", "pushed"))
    ahead = types.ModuleType("pipeline.running.dry_run")
    ahead.look_ahead = lambda *given: DryRunReport((), ())
    monkeypatch.setitem(sys.modules, "pipeline.running.dry_run", ahead)
    command = ["run", config_file, "--set", f"style.paintings={folders / 'photos' / 'paintings'}"]
    said = [
        f"style.paintings: lies inside {key}, so that its images count as photos of a class paintings there, too; "
        "move it out of it"
        for key in ("classifier.photos", "style.photos")
    ]
    lines = easel(*command).stdout
    assert lines.index(f"warning: {said[0]}") < lines.index("read images"), "before the work"
    assert json.loads(easel(*command, "--json").stdout)["warnings"] == said
    assert json.loads(easel(*command, "--dry-run", "--json").stdout)["warnings"] == said
    assert said[1] in " ".join(easel(*command, "--dry-run").stdout.split())


def test_run_only_and_set_reach_the_runner(config_file, fake_runner):
    seen = []
    fake_runner(lambda *given: seen.append(given[0]) or finishing_with("pushed")(*given))
    assert easel("run", config_file, "--only", "style", "--set", "seed=9").exit_code == 0
    assert seen[0].classifier is None
    assert seen[0].seed == 9


def test_a_failing_run_is_one_line_and_its_traceback_is_in_the_log(config_file, fake_runner, folders):
    def run(config, events, log, decisions, began):
        raise RuntimeError("no luck\nmore\nlines")

    fake_runner(run)
    result = easel("run", config_file, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    [log] = (folders / "work" / "logs").iterdir()
    assert result.stderr == f"easel: RuntimeError: no luck (unexpected; the traceback is in {log})\n"
    assert "Traceback" in log.read_text()


def test_a_full_disk_in_a_run_is_one_line_with_the_file(config_file, fake_runner, folders):
    def run(config, events, log, decisions, began):
        raise OSError(errno.ENOSPC, "No space left on device", str(folders / "work" / "x"))

    fake_runner(run)
    result = easel("run", config_file, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    expected = f"easel: {folders / 'work' / 'x'}: no room is left on its disk; make room and try again\n"
    assert result.stderr == expected


def test_a_users_error_in_a_run_is_2(config_file, fake_runner):
    def run(config, events, log, decisions, began):
        raise UserError("photos: do this instead")

    fake_runner(run)
    result = easel("run", config_file, "--json")
    assert (result.exit_code, result.stderr) == (2, "easel: photos: do this instead\n")


def test_an_interrupted_run_is_130(config_file, fake_runner):
    def run(config, events, log, decisions, began):
        raise KeyboardInterrupt

    fake_runner(run)
    result = easel("run", config_file, "--json")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1].startswith("easel: interrupted")


def test_sigterm_ends_a_run_like_ctrl_c_and_leaves_no_lock(config_file, folders):
    code = (
        "import sys, types, time\n"
        "m = sys.modules['pipeline.running.run'] = types.ModuleType('pipeline.running.run')\n"
        "def run(config, events, log, decisions, began):\n"
        "    open(config.workspace / 'started', 'w'); time.sleep(60)\n"
        "m.run = run\n"
        "from pipeline.cli import main; main(['run', sys.argv[1], '--json'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(config_file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (folders / "work" / "started").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.terminate()
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (143, "")
    assert err == "easel: interrupted; the next run goes on from here\n"
    with lock.hold(folders / "work") as stale:
        assert stale is None


def test_hooks_hear_of_the_outcome_and_their_failure_is_a_warning(config_file, fake_runner, folders):
    fake_runner(finishing_with("pushed", "rejected"))
    heard = folders / "heard"
    hooks = ["--set", f"on.pushed=cat > {heard}", "--set", "on.rejected=exit 3", "--set", "on.failed=exit 4"]
    result = easel("run", config_file, "--json", *hooks)
    document = json.loads(result.stdout)
    assert (result.exit_code, document["warnings"]) == (
        4, ["on.rejected: the command exited with 3; its output is in the log"],
    )  # fmt: skip
    assert json.loads(heard.read_text()) == {**document, "warnings": []}
    assert "on.rejected: the command exited with 3" in easel("run", config_file, *hooks).stdout


@pytest.mark.parametrize(("error", "code"), [(UserError("photos: do this"), 2), (RuntimeError("no luck"), 1)])
def test_the_hook_for_failures_hears_of_a_run_without_a_result(config_file, fake_runner, folders, error, code):
    def run(config, events, log, decisions, began):
        raise error

    fake_runner(run)
    heard = folders / "heard"
    assert easel("run", config_file, "--set", f"on.failed=cat > {heard}; exit 1").exit_code == code
    document = json.loads(heard.read_text())
    assert (document["exit_code"], document["models"]) == (code, [])
    assert str(error) in document["error"]


def test_where_nothing_can_be_written_one_line_says_so_and_the_hook_hears_of_it(config_file, fake_runner, folders):
    fake_runner(lambda *given: pytest.fail("was started"))
    hook = f"on.failed=cat > {folders / 'heard'}"
    result = easel("run", config_file, "--set", "workspace=/proc/easel", "--set", hook)
    assert result.exit_code == 2
    assert re.fullmatch(r"easel: workspace: /proc/easel cannot be written: [a-z ]+; .*\n", result.stderr)
    assert "/proc/easel" in json.loads((folders / "heard").read_text())["error"]


def test_without_room_nothing_is_started(config_file, fake_runner, monkeypatch):
    fake_runner(lambda *given: pytest.fail("was started"))
    monkeypatch.setattr("shutil.disk_usage", lambda path: types.SimpleNamespace(free=1e6))
    result = easel("run", config_file, "--json")
    assert result.exit_code == 2
    assert re.fullmatch(r"easel: .*work: 1 MB are free and the run needs about \d+ MB; .*\n", result.stderr)


def test_without_a_reason_nothing_is_started_and_it_says_so(config_file, fake_runner, folders):
    fake_runner(lambda *given: pytest.fail("was started"))
    for name in ("classifier", "style"):
        model = folders / name
        model.mkdir()
        (model / "saved_model.pb").write_bytes(b"x")
        created = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=3, hours=1)
        Registry(folders / "work" / "serving").push(name, model, {"created": created.isoformat(), "metrics": {}})
    result = easel("run", config_file, "--json", "--set", "when.older_than=4d")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["run_id"]) == (0, "")
    assert [(model["outcome"], model["version"]) for model in document["models"]] == [("skipped", 1), ("skipped", 1)]
    assert "version 1 is 3 days old, not 4 days" in document["models"][0]["reasons"][0]
    assert "not trained: version 1 serves" in easel("run", config_file, "--set", "when.older_than=4d").stdout
    given = []
    fake_runner(lambda *all: given.append(all[3]) or finishing_with("pushed")(*all))
    assert easel("run", config_file, "--set", "when.older_than=3d").exit_code == 0
    assert given[0]["style"].train is True


def test_a_held_workspace_is_75(config_file, folders):
    code = (
        "import sys, time, pathlib; from pipeline.running import lock\n"
        "with lock.hold(pathlib.Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(folders / "work")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline()
        result = easel("run", config_file)
    finally:
        holder.kill()
        holder.wait()
    assert result.exit_code == 75
    assert f"process {holder.pid}" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_run_on_a_terminal_draws_the_tree(config_file):
    """In a real pseudo-terminal, with the real streams."""
    pexpect = pytest.importorskip("pexpect")
    code = (
        "import sys, types, os; m = types.ModuleType('pipeline.running.run'); sys.modules['pipeline.running.run'] = m\n"
        "from pipeline.progress.events import Node; from pipeline.history.result import *\n"
        "def run(config, events, log, decisions, began):\n"
        "    os.write(1, b'FLOOD'); os.system('echo FLOOD >&2')\n"
        "    events.plan([Node('a', 'photos', 'read images')]); events.node_started('a')\n"
        "    events.node_finished('a', 'done'); return RunResult('r', (), 1.0, config.serving)\n"
        "m.run = run\n"
        "from pipeline.cli import main; main(['run', sys.argv[1]])"
    )
    terminal = pexpect.spawn(
        sys.executable, ["-c", code, str(config_file)], dimensions=(30, 100), env={**os.environ, "TERM": "xterm"}
    )
    terminal.logfile_read = shown = io.BytesIO()
    terminal.expect(pexpect.EOF, timeout=60)
    terminal.close()
    assert terminal.exitstatus == 0
    assert b"read images" in shown.getvalue()
    assert b"serving directory" in shown.getvalue()
    assert b"FLOOD" not in shown.getvalue()
    assert b"\x1b[?25h" in shown.getvalue()  # the cursor is back


def test_the_lock_is_free_after_a_run(config_file, fake_runner, folders):
    fake_runner(finishing_with("pushed"))
    easel("run", config_file)
    with lock.hold(folders / "work") as stale:
        assert stale is None
