"""The curl and JavaScript examples, run as they are."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[4] / "serving/examples"


def run(program, example, *arguments):
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    command = ["bash" if program == "curl" else program, EXAMPLES / example, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture
def photo(png, tmp_path):
    (tmp_path / "red.png").write_bytes(png("red"))
    return tmp_path / "red.png"


def test_curl(live, photo, tmp_path):
    models, classified, predicted = map(json.loads, run("curl", "curl.sh", live, photo, tmp_path / "painted"))
    assert {model["kind"] for model in models} == {"classifier", "style"}
    assert (classified[0]["name"], classified[0]["label"]) == ("red.png", "red")
    assert predicted["predictions"][0]["label"] == "red"
    assert (tmp_path / "painted").read_bytes() == photo.read_bytes() + b"|Great-Wave"


def test_node(live, photo, tmp_path):
    assert run("node", "node.mjs", live, photo, tmp_path / "painted") == [
        "red 1.000",
        f"{tmp_path / 'painted'} by version 1",
        "red",
    ]
    assert (tmp_path / "painted").read_bytes() == photo.read_bytes() + b"|Great-Wave"


def test_a_mistake_ends_with_what_the_server_says(live, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run("node", "node.mjs", live, tmp_path / "notes.txt", tmp_path / "painted")
    assert "400 blob: not an image in a known format" in failed.value.stderr
