"""`easel runs`, and how the commands that only read find the workspace."""

import json

import pytest

from tests.pipeline.commands.command import easel
from tests.pipeline.history.writer import Writer


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def remember(folder, run):
    (folder / "easel-workspace").mkdir(parents=True)
    Writer(folder / "easel-workspace").context("pipeline_run", run, configuration="{}")


def listed():
    return [run["run"] for run in json.loads(easel("runs", "--json").stdout)]


def test_the_workspace_beside_a_configuration_is_found_from_the_folder_above(here):
    remember(here / "pictures", "r1")
    assert listed() == ["r1"]
    remember(here, "r0")
    assert listed() == ["r0"], "the current folder comes first"


def test_of_several_workspaces_none_is_chosen(here):
    for folder in ("a", "b"):
        remember(here / folder, folder)
    result = easel("runs")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "name one of a/easel-workspace, b/easel-workspace" in result.stderr
    assert "a/easel-workspace" not in easel("models").stdout


def test_where_nothing_ran_it_says_so(here):
    assert f"Nothing ran in {here / 'easel-workspace'} yet" in easel("runs").stdout
