"""`requirements/install.sh` on machines that it cannot serve: one line each, before anything is fetched or written."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = (
    "sh",
    "cat",
    "cut",
    "date",
    "dirname",
    "flock",
    "grep",
    "head",
    "mkdir",
    "mv",
    "rm",
    "sed",
    "sha256sum",
    "sort",
)
# A uv that knows the options asked for, on a machine without a network
UV = "case $* in *--help*) echo --build-constraints ;; *) exit 1 ;; esac"
PYTHON = 'echo "$0"'


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path):
    """A checkout's install.sh beside a PATH of our own; calling it runs the script and returns the finished process."""
    checkout, commands = tmp_path / "a checkout", tmp_path / "bin"
    commands.mkdir()
    shutil.copytree(ROOT / "requirements", checkout / "requirements")
    (checkout / "serving").mkdir()
    for name in ("pyproject.toml", "serving/pyproject.toml"):
        shutil.copy(ROOT / name, checkout / name)
    for name in TOOLS:
        if found := shutil.which(name):
            (commands / name).symlink_to(found)

    def run(*arguments, checkout=checkout, system="Linux", processor="x86_64", glibc="glibc 2.36", **others):
        script(commands / "uname", f'case $1 in -s) echo "{system}" ;; -m) echo "{processor}" ;; esac')
        script(commands / "getconf", f'echo "{glibc}"' if glibc else "exit 1")
        for name, text in others.items():
            script(commands / name.replace("_", "."), text)
        return subprocess.run(
            ["sh", checkout / "requirements/install.sh", *arguments],
            env={"PATH": str(commands), "HOME": str(tmp_path), "LANG": os.environ.get("LANG", "C")},
            capture_output=True,
            text=True,
            check=False,
        )

    run.checkout = checkout
    return run


@pytest.mark.parametrize(
    "kind",
    [
        {"system": "Darwin", "processor": "arm64", "glibc": ""},
        {"system": "MINGW64_NT-10.0", "glibc": ""},
        {"processor": "aarch64"},
        {"glibc": ""},
    ],
    ids=["macOS", "Windows", "ARM", "musl"],
)
def test_a_machine_without_packages_is_shown_the_dockerfile(machine, kind):
    done = machine(**kind)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "Dockerfile" in done.stderr
    assert not (machine.checkout / ".uv").exists()


def test_the_current_stack_is_refused_on_an_old_glibc(machine):
    done = machine("current")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "2.39" in done.stderr
    assert "2.36" in done.stderr


def test_an_unknown_stack_is_refused(machine):
    done = machine("newest")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "STACK=newest" in done.stderr


def test_without_any_python_it_says_what_to_install(machine):
    done = machine()
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "install python3" in done.stderr


def test_without_python_3_10_and_network_it_says_what_to_install(machine):
    done = machine(uv=UV)
    assert done.returncode == 1
    assert "the compatible stack needs Python 3.10" in done.stderr.splitlines()[-1]
    assert not (machine.checkout / ".venv").exists()


def test_python_3_10_without_a_compiler_is_told_the_package(machine):
    done = machine(uv=UV, python3_10=PYTHON)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "apt install g++" in done.stderr


def test_an_environment_is_ours_by_whatever_path_we_come(machine, tmp_path):
    python = machine.checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    script(python, "exit 0")
    wanted = [machine.checkout / "requirements" / name for name in ("install.sh", "compatible.txt")]
    wanted += [machine.checkout / name for name in ("pyproject.toml", "serving/pyproject.toml")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in wanted)).hexdigest()
    stamp = machine.checkout / ".venv" / "easel-stamp"
    stamp.write_text(f"{os.path.realpath(machine.checkout)}\ncompatible\n{digest}\n")
    link = tmp_path / "link"
    link.symlink_to(machine.checkout)
    for path in (machine.checkout, link):
        done = machine(checkout=path, uv=UV, python3_10="exit 1")
        assert (done.returncode, done.stderr) == (0, "")
    assert stamp.exists()


def test_an_environment_that_is_not_ours_is_put_aside(machine):
    theirs = machine.checkout / ".venv" / "bin"
    theirs.mkdir(parents=True)
    (theirs / "python").write_text("half made")
    # This uv cannot make the new one either, but theirs is safe by then.
    machine(uv=UV, python3_10=PYTHON, **{"c++": "exit 0"})
    aside = [path for path in (machine.checkout / ".uv").iterdir() if path.name.startswith("venv-")]
    assert [(path / "bin" / "python").read_text() for path in aside] == ["half made"]
