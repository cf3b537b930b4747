"""Commands that hear what a run came to, with real processes."""

import json
import time

import pytest

from pipeline.configuration.hooks import HookOptions
from pipeline.running.hooks import call, due


def test_each_event_that_happened_and_has_a_command_is_due_once():
    hooks = HookOptions(pushed="p", stopped="s", failed="f")
    assert due(hooks, ["pushed", "rejected", "pushed", "stopped"]) == [("pushed", "p"), ("stopped", "s")]
    assert due(hooks, ["unchanged", "skipped"]) == []


def test_the_document_is_on_standard_input(tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"
    hooks = HookOptions(pushed=f"cat > {out}; echo told somebody")
    assert call(hooks, ["pushed"], {"run_id": "é", "log": log, "nan": float("nan")}, log) == ()
    assert json.loads(out.read_text()) == {"run_id": "é", "log": str(log), "nan": None}
    assert log.read_text() == "hook on.pushed: done\ntold somebody\n"


@pytest.mark.parametrize(
    ("command", "warning"),
    [("exit 7", "exited with 7"), ("no-such-command", "exited with 127"), ("kill -9 $$", "ended by signal 9")],
)
def test_a_command_that_fails_is_a_warning(tmp_path, command, warning):
    [line] = call(HookOptions(failed=command), ["failed"], {}, tmp_path / "log")
    assert line.startswith("on.failed: the command ")
    assert warning in line


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path):
    alive = tmp_path / "alive"
    hooks = HookOptions(failed=f"(sleep 1.5; touch {alive}) & sleep 60", timeout=0.3)
    started = time.monotonic()
    [line] = call(hooks, ["failed"], {}, tmp_path / "log")
    assert "took longer than 0.3 s and was killed" in line
    assert time.monotonic() - started < 5
    time.sleep(1.6)
    assert not alive.exists()


def test_a_background_child_and_unread_input_do_not_hold_it_up(tmp_path):
    hooks = HookOptions(pushed="sleep 30 & echo done", timeout=20)
    started = time.monotonic()
    assert call(hooks, ["pushed"], {"much": "x" * 1_000_000}, tmp_path / "log") == ()
    assert time.monotonic() - started < 10


def test_its_output_is_logged_without_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "hunter22")
    call(HookOptions(pushed="echo using $MAIL_PASSWORD"), ["pushed"], {}, tmp_path / "log")
    assert "using ***" in (tmp_path / "log").read_text()
