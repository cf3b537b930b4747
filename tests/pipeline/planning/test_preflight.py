"""What is asked before a run: where its workspace is."""

import json

import pytest

from pipeline.configuration.config import load
from tests.pipeline.commands.command import easel, finishing_with
from tests.pipeline.history.writer import Writer


@pytest.fixture
def without_workspace(config_file, tmp_path, monkeypatch):
    """A configuration that names no workspace, and another current folder."""
    config_file.write_text(config_file.read_text().replace("workspace: work\n", "name: p\n"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return config_file


def remember(folder, config):
    old = folder / "easel-workspace"
    old.mkdir()
    Writer(old).context("pipeline_run", "r1", configuration=json.dumps(config.described()))
    return old


def test_runs_in_the_current_folder_are_named_and_not_left_behind(without_workspace, tmp_path, fake_runner):
    old = remember(tmp_path / "elsewhere", load(without_workspace))
    fake_runner(lambda *given: pytest.fail("everything would have been trained anew"))
    for command in (["check"], ["run"], ["run", "--only", "style"], ["run", "--dry-run"], ["schedule", "--as", "cron"]):
        result = easel(*command, without_workspace)
        assert result.exit_code == 2
        assert f"add `workspace: {old}` to the file to go on there" in result.stdout + result.stderr
    fake_runner(finishing_with("pushed"))
    assert easel("run", without_workspace, "--set", f"workspace={old}").exit_code == 0
    (without_workspace.parent / "easel-workspace").mkdir()
    assert easel("run", without_workspace).exit_code == 0


def test_another_projects_workspace_in_the_current_folder_is_nobodys_business(
    without_workspace, tmp_path, folders, fake_runner
):
    other = load(without_workspace, [f"classifier.photos={folders / 'paintings'}"])
    remember(tmp_path / "elsewhere", other)
    fake_runner(finishing_with("pushed"))
    assert easel("run", without_workspace).exit_code == 0
    assert (folders / "easel-workspace").is_dir()
