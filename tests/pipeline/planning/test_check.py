import json
import os

import pytest
from click.testing import CliRunner
from PIL import Image

from pipeline.cli import main
from pipeline.configuration.config import load
from pipeline.planning import schema, snapshot
from pipeline.planning.check import check
from trainer.base.errors import UserError


def run(*arguments):
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def test_the_document_accounts_for_every_file(config_file, folders):
    (folders / "photos" / "cat" / "broken.jpg").write_bytes(b"<html>")
    (folders / "photos" / "cat" / "copy.jpg").write_bytes((folders / "photos" / "cat" / "0.jpg").read_bytes())
    (folders / "photos" / "dog" / "Thumbs.db").write_bytes(b"x")
    result = run(config_file, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["valid"], document["errors"]) == (0, True, [])
    photos = document["inputs"]["classifier.photos"]
    assert {
        key: photos[key] for key in ("seen", "examples", "rejected", "duplicates", "ignored", "classes", "reasons")
    } == {
        "seen": 27,
        "examples": 24,
        "rejected": 1,
        "duplicates": 1,
        "ignored": 1,
        "classes": {"cat": 12, "dog": 12},
        "reasons": {"not_an_image": 1},
    }
    assert document["inputs"]["style.photos"] == photos
    assert document["inputs"]["style.paintings"]["examples"] == 4
    assert document["inputs"]["style.paintings"]["classes"] == {}
    assert "ingest.eval_fraction" in document["evidence"][-1]


def test_people_see_classes_reasons_and_the_plan(config_file, folders):
    (folders / "photos" / "cat" / "broken.jpg").write_bytes(b"<html>")
    text = run(config_file).stdout
    assert "25 seen = 24 examples + 1 rejected + 0 duplicates + 0 ignored" in text
    assert "not an image" in text
    assert "the same folder as classifier.photos" in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert "ready to run" in text
    assert "2 classes" in text
    assert "24 photos x 4 paintings" in text
    assert "about " in text
    assert "classifier.thresholds (null switches a rule off)" in " ".join(text.split())


def test_all_faults_of_the_configuration_are_listed(config_file):
    result = run(config_file, "--set", "seed=x", "--set", "nmae=y", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["valid"], document["inputs"]) == (2, False, {})
    assert len(document["errors"]) == 2


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("classifier.photos=photos/cat", "classifier.photos: "),
        ("style.paintings=empty", "style.paintings: none of 0 files"),
    ],
)
def test_folders_that_nothing_can_be_learned_from_are_invalid(config_file, folders, monkeypatch, override, expected):
    (folders / "empty").mkdir()
    monkeypatch.chdir(folders)
    result = run(config_file, "--set", override)
    assert result.exit_code == 2
    assert expected in result.stdout
    assert "about" not in result.stdout


def test_what_would_stop_a_run_is_3_and_not_ready(config_file, folders):
    for index in range(12):
        (folders / "photos" / "dog" / f"broken{index}.jpg").write_bytes(b"")
    result = run(config_file)
    assert result.exit_code == 3
    assert "ready to run" not in result.stdout
    assert "not ready: data validation would stop a run" in result.stdout
    assert "a run would stop here: 12 of 36 files were rejected" in result.stdout
    assert "`data_gate.max_rejected_fraction`" in result.stdout
    document = json.loads(run(config_file, "--json").stdout)
    assert (document["exit_code"], len(document["stops"])) == (3, 2)
    assert run(config_file, "--set", "data_gate.rejected=warn").exit_code == 0


def test_a_class_that_the_schema_does_not_know_would_stop_a_run(config_file, folders):
    schema.propose(load(config_file))
    assert run(config_file).exit_code == 0
    (folders / "photos" / "cow").mkdir()
    (folders / "photos" / "cat" / "0.jpg").rename(folders / "photos" / "cow" / "0.jpg")
    (folders / "photos" / "cat" / "1.jpg").rename(folders / "photos" / "cow" / "1.jpg")
    result = run(config_file)
    assert result.exit_code == 3
    assert "a run would stop here: not among the classes of the schema: cow" in result.stdout


def test_a_workspace_that_cannot_be_written_is_2_and_named(config_file):
    result = run(config_file, "--set", "workspace=/proc/easel")
    assert result.exit_code == 2
    assert "workspace: /proc/easel cannot be written" in result.stdout
    assert "ready to run" not in result.stdout


def test_what_is_only_doubtful_is_a_warning(config_file, folders):
    for index in range(5):
        (folders / "photos" / "dog" / f"{index}.jpg").unlink()
    report = check(config_file, [])
    assert (report.exit_code, report.stops) == (0, ())
    assert any("dog" in warning for warning in report.warnings)


def test_a_class_folder_that_cannot_be_listed_is_2_and_named(config_file, monkeypatch):
    scandir = os.scandir

    def refuse(path="."):
        if os.fsencode(path).endswith(b"/dog"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # the tests may run as root, who may read everything
    result = run(config_file)
    assert result.exit_code == 2
    assert "photos: the system refused to list dog; check the permissions" in " ".join(result.stdout.split())
    assert "ready to run" not in result.stdout
    with pytest.raises(UserError, match="refused to list dog"):
        snapshot.take(load(config_file))


def test_paintings_among_the_photos_are_a_warning(config_file, folders, monkeypatch):
    (folders / "paintings").rename(folders / "photos" / "paintings")
    monkeypatch.chdir(folders)
    report = check(config_file, ["style.paintings=photos/paintings"])
    said = [warning for warning in report.warnings if "lies inside" in warning]
    assert said == [
        f"style.paintings: lies inside {key}, so that its images count as photos of a class paintings there, too; "
        "move it out of it"
        for key in ("classifier.photos", "style.photos")
    ]
    (folders / "photos" / "paintings").rename(folders / "photos" / ".paintings")
    report = check(config_file, ["style.paintings=photos/.paintings"])
    assert not any("lies inside" in warning for warning in report.warnings)


def test_a_file_of_several_pages_is_said(config_file, folders):
    pages = [Image.effect_noise((64, 48), 50 + page).convert("RGB") for page in range(2)]
    pages[0].save(folders / "photos" / "cat" / "scan.tif", save_all=True, append_images=pages[1:])
    assert "1 file with several pages: only the first is used" in run(config_file).stdout
