"""`easel classify`."""

import json

import pytest
from PIL import Image

from tests.pipeline.commands.command import easel


@pytest.mark.usefixtures("fake_models")
def test_classify_prints_labels_or_json():
    result = easel("classify", "--json", "a.jpg", "b.jpg")
    assert [(entry["path"], entry["label"], entry["score"]) for entry in json.loads(result.stdout)] == [
        ("a.jpg", "cat", 0.75),
        ("b.jpg", "cat", 0.75),
    ]
    result = easel("classify", "a.jpg", "[red]long[1].jpg")
    assert result.stdout.splitlines() == [
        "a.jpg             cat  0.750  dog 0.200, cow 0.050",
        "[red]long[1].jpg  cat  0.750  dog 0.200, cow 0.050",
    ]


@pytest.mark.usefixtures("fake_models")
def test_classify_goes_on_after_a_bad_file_and_names_it_at_the_end():
    result = easel("classify", "a.jpg", "[b].txt", "c.jpg")
    assert result.exit_code == 2
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["a.jpg", "c.jpg"]
    assert result.stderr.splitlines() == [
        "easel: [b].txt: not an image",
        "easel: 1 of 3 photos could not be classified; the others are",
    ]
    result = easel("classify", "--json", "a.jpg", "[b].txt", "c.jpg")
    found = json.loads(result.stdout)
    assert (result.exit_code, [entry["path"] for entry in found]) == (2, ["a.jpg", "[b].txt", "c.jpg"])
    assert found[1] == {"path": "[b].txt", "error": "not an image"}
    result = easel("classify", "b.txt")
    assert (result.exit_code, result.stderr) == (2, "easel: b.txt: not an image\n")
    assert json.loads(easel("classify", "--json", "b.txt").stdout) == [{"path": "b.txt", "error": "not an image"}]


@pytest.mark.usefixtures("fake_models")
def test_what_is_classified_before_an_end_is_said():
    result = easel("classify", "a.jpg", "b.txt", "stop.jpg", "c.jpg")
    assert result.exit_code == 130
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["a.jpg"]
    assert "easel: b.txt: not an image\n" in result.stderr
    found = json.loads(easel("classify", "--json", "a.jpg", "b.txt", "stop.jpg").stdout)
    assert [entry["path"] for entry in found] == ["a.jpg", "b.txt"]


@pytest.mark.usefixtures("fake_models")
def test_what_is_left_out_of_a_file_is_said(tmp_path):
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    pages[0].save(tmp_path / "[a].tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "b.png")
    result = easel("classify", "--json", tmp_path)
    assert result.stderr == f"easel: {tmp_path}/[a].tif: only the first of its pages is used\n"
    assert [entry.get("left_out") for entry in json.loads(result.stdout)] == ["pages", None]
    painted = easel("stylize", "--content", tmp_path / "[a].tif", "--style", "wave", "-o", tmp_path / "c.png")
    assert "only the first of its pages is used" in painted.stderr
    assert painted.exit_code == 0


@pytest.mark.usefixtures("fake_models")
def test_classify_takes_folders(tmp_path):
    (tmp_path / "more").mkdir()
    for name in ("b.jpg", "a.jfif", "more/c.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name, "JPEG")
    (tmp_path / "._a.jpg").write_bytes(b"\0" * 9)
    for name in ("film.mp4", "music.mp3"):
        (tmp_path / name).write_bytes(b"\0" * 9)
    result = easel("classify", tmp_path, "x.jpg")
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        *(str(tmp_path / name) for name in ("a.jfif", "b.jpg", "more/c.png")),
        "x.jpg",
    ]
    assert result.stderr == f"easel: passed over {tmp_path / 'film.mp4'} (no image), and 1 more file\n"
    (tmp_path / "empty").mkdir()
    result = easel("classify", tmp_path / "empty")
    assert (result.exit_code, result.stderr) == (2, f"easel: {tmp_path / 'empty'}: no photo in this folder\n")


@pytest.mark.usefixtures("fake_models")
def test_classify_says_why_tensorflow_has_to_load():
    result = easel("classify", "--json", "slow.jpg")
    assert result.stderr == "easel: no variant; TensorFlow computes instead\n"
    assert json.loads(result.stdout)[0]["label"] == "cat"
    assert easel("classify", "--json", "slow.jpg", "--runtime", "tensorflow").stderr == ""


def test_a_server_and_a_runtime_exclude_each_other():
    result = easel("classify", "--server", "http://127.0.0.1:9", "--runtime", "tflite", "a.jpg")
    assert (result.exit_code, "--runtime is for models that compute here" in result.stderr) == (2, True)


def test_a_server_that_is_not_there_is_said_once(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    result = easel("classify", "--server", "http://127.0.0.1:9", tmp_path / "a.jpg", tmp_path / "a.jpg")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
