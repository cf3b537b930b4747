"""The command as a whole: help, what goes to which stream, and what it need not import."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import main
from tests.pipeline.commands.command import easel


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["classify", "--help"], ["stylize", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments):
    code = (
        "import sys; from pipeline.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = 'tensorflow tfx apache_beam keras numpy PIL cv2 ai_edge_litert pydantic absl grpc'.split()\n"
        "heavy += 'filelock tenacity google.protobuf'.split()\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert len(done.stdout.split()) >= 2


def test_no_arguments_shows_the_help():
    result = easel()
    assert result.exit_code == 0
    assert result.stdout == easel("--help").stdout


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself(command):
    result = easel(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout) > 150


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["run"], "Missing argument 'CONFIG'"),
        (["run", "none.yaml"], "none.yaml: cannot be read: No such file or directory; `easel init FOLDER` writes one"),
        (["run", "."], ".: is a folder, and a configuration is a file; `easel init` writes a configuration for it"),
        (["classify", "--serving", "none", "a.jpg"], "none: no such folder; --serving names the one that"),
        (["serve", "--serving", "none"], "none: no such folder"),
        (["check", "--bogus", "x"], "No such option '--bogus'"),
        (["models", "show", "cats", "one"], "'one' is not a valid integer"),
        (["models", "show", "cats", "1"], "no model named cats"),
        (["models", "label", "cats", "mine"], "give either a VERSION or --remove"),
        (["config", "show", "none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_wrong_use_is_one_line_and_2(arguments, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = easel(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("easel: ")
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr


def test_the_unforeseen_outside_a_run_leaves_its_traceback_in_a_file(config_file, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("pipeline.planning.check.scan", lambda *_: 1 / 0)
    result = easel("check", config_file)
    assert result.exit_code == 1
    assert result.stderr.startswith("easel: ZeroDivisionError: division by zero (unexpected; the traceback is in ")
    assert "Traceback" in Path(result.stderr.rpartition(" in ")[2].strip().rstrip(")")).read_text()


def test_a_folder_in_the_place_of_its_configuration_is_told_with_the_files_name(tmp_path):
    (tmp_path / "easel.yaml").write_text("")
    assert f"name the file in it: {tmp_path / 'easel.yaml'}" in easel("run", str(tmp_path)).stderr
