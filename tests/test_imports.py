"""Which room may import which: the contracts in `pyproject.toml`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A process of its own: the tool's console would hold on to pytest's captured output.
LINT = "import sys; sys.path[:0] = ['.', 'serving']; from importlinter.cli import lint_imports_command as main; main()"


def test_every_import_keeps_the_contracts():
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        pytest.fail(done.stdout.partition("Broken contracts")[2] or done.stdout + done.stderr, pytrace=False)
