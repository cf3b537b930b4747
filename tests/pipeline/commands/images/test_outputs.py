"""Results never land on what they are made from, and what they replace is whole until they are."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.pipeline.commands.command import easel
from tests.pipeline.commands.images.test_stylize import grey

ROOT = Path(__file__).resolve().parents[4]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "serving")])}

pytestmark = pytest.mark.usefixtures("fake_models")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A photo, a painting and a mask in a folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.png", "painting.png", "mask.png"):
        Image.new("RGB", (32, 24), "white").save(name)
    os.symlink("photo.png", "link.png")
    os.link("photo.png", "hard.png")
    os.symlink(".", "door")
    (tmp_path / "sub").mkdir()
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "output",
    [
        "photo.png",
        "./sub/../photo.png",
        "link.png",
        "hard.png",
        "door/photo.png",
        ".",
        "door",
        "painting.png",
        "door/painting.png",
        "mask.png",
    ],
)
def test_an_input_is_never_an_output(house, output):
    before = contents(house)
    arguments = ["--style", "painting.png", "--region", "mask.png", "wave"]
    result = easel("stylize", "--content", "photo.png", *arguments, "-o", output)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "would destroy" in result.stderr
    assert result.stderr.count("\n") == 1
    assert contents(house) == before


def test_nor_is_it_a_preview_nor_the_output_of_paint(house):
    before = contents(house)
    result = easel("stylize", "--content", "photo.png", "--style", "wave", "--preview", "link.png", "-o", "out.png")
    assert (result.exit_code, "would destroy" in result.stderr) == (2, True)
    for output in ("hard.png", "painting.png", "mask.png"):
        arguments = ["--style", "painting.png", "--mask", "mask.png", "--set", "style.perceptual.weights=none"]
        result = easel("paint", "--content", "photo.png", *arguments, "-o", output)
        assert (result.exit_code, "would destroy" in result.stderr) == (2, True)
    assert contents(house) == before


@pytest.mark.parametrize("output", ["photos", "door/photos", ".", "door"])
def test_a_folder_of_photos_is_not_painted_into_itself(house, output):
    (house / "photos").mkdir()
    shutil.copy("photo.png", "photos/a.png")
    before = contents(house)
    result = easel("stylize", "--content", "photos", "--style", "wave", "-o", output)
    assert result.exit_code == 2
    assert "the photos are in this folder" in result.stderr
    assert contents(house) == before


def test_a_painting_in_the_output_folder_is_found_before_anything_is_written(house):
    for folder in ("photos", "out"):
        (house / folder).mkdir()
    for name in ("photos/a.png", "photos/wave.png", "out/wave.png"):
        shutil.copy("photo.png", name)
    before = contents(house)
    result = easel("stylize", "--content", "photos", "--style", "out/wave.png", "-o", "out")
    assert (result.exit_code, "would destroy" in result.stderr) == (2, True)
    assert contents(house) == before


def test_two_names_of_one_file_do_not_replace_each_other(house):
    for folder in ("photos/a", "photos/b", "out/a"):
        (house / folder).mkdir(parents=True)
    os.symlink("a", "out/b")
    for name in ("photos/a/x.png", "photos/b/x.png"):
        shutil.copy("photo.png", name)
    result = easel("stylize", "--content", "photos", "--style", "wave", "-o", "out")
    assert (result.exit_code, result.stdout) == (2, "out/a/x.png\n")
    assert "photos/b/x.png: out/b/x.png: is the file out/a/x.png, which was written just now" in result.stderr


def test_what_is_replaced_stays_whole_for_those_who_have_it(house):
    os.link("hard.png", "kept.png")
    os.replace("kept.png", "sub/out.png")
    Image.new("RGB", (2, 2)).save("sub/old.png")
    os.link("sub/old.png", "sub/held.png")
    before = (house / "sub/held.png").read_bytes()
    result = easel("stylize", "--content", "photo.png", "--style", "wave", "-o", "sub/old.png")
    assert result.exit_code == 0
    assert (house / "sub/held.png").read_bytes() == before
    assert grey("sub/old.png") == (40, (32, 24), "PNG")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.ENOSPC, "no room is left on its disk"),
        (errno.EROFS, "its file system is read-only"),
        (errno.EDQUOT, "your share of its disk is used up"),
    ],
)
def test_a_disk_that_takes_no_more_is_one_line_with_the_file(house, monkeypatch, code, expected):
    (house / "photos").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        shutil.copy("photo.png", f"photos/{name}")
    sync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 2:  # a file and its folder are written
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr("os.fsync", full)
    result = easel("stylize", "--content", "photos", "--style", "wave", "-o", "out", "--json")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"easel: out/b.png: {expected}")
    assert result.stderr.count("\n") == 1
    assert json.loads(result.stdout) == [{"path": "photos/a.png", "output": "out/a.png"}]
    assert [path.name for path in (house / "out").iterdir()] == ["a.png"]


def test_of_one_photo_the_line_names_only_what_is_wrong(house):
    (house / "file").write_text("")
    result = easel("stylize", "--content", "photo.png", "--style", "wave", "-o", "file/out.png")
    assert (result.exit_code, result.stderr) == (
        2,
        f"easel: file/out.png: the folder {house / 'file'} does not exist\n",
    )
    result = easel("stylize", "--content", "none.png", "--style", "wave", "-o", "out.png")
    assert (result.exit_code, result.stderr) == (2, "easel: none.png: No such file or directory\n")
    Image.new("L", (9, 99)).save("tall.png")
    result = easel("stylize", "--content", "photo.png", "--style", "wave", "--mask", "tall.png", "-o", "out.png")
    assert (result.exit_code, result.stderr.startswith("easel: tall.png: a mask of 9 x 99")) == (2, True)


def test_a_full_disk_under_standard_output_is_one_line_too(house):
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "--help"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
    assert (
        done.stderr.splitlines()[0]
        == "easel: a file could not be written: no room is left on its disk; make room and try again"
    )
