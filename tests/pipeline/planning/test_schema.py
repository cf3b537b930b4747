"""`easel schema`: proposals that never overwrite, and what images violate; all without TensorFlow."""

import json
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

from components.schema_source import contract
from pipeline.cli import main
from tests.components.image_folder_example_gen import corpus


@pytest.fixture
def house(tmp_path):
    """Photos of two classes and a configuration; returns the folder."""
    for label, seeds in {"cat": range(3), "dog": range(3, 6)}.items():
        (tmp_path / "photos" / label).mkdir(parents=True)
        for seed in seeds:
            corpus.photo(seed=seed).save(tmp_path / "photos" / label / f"{seed}.jpg")
    classifier = {"photos": "photos", "backbone": {"name": "small_cnn", "weights": "none"}}
    (tmp_path / "easel.yaml").write_text(yaml.safe_dump({"workspace": "ws", "classifier": classifier}))
    return tmp_path


def easel(house, *arguments):
    return CliRunner().invoke(main, ["schema", arguments[0], str(house / "easel.yaml"), *map(str, arguments[1:])])


def file(house):
    return house / "ws" / "schemas" / "photos.pbtxt"


def test_a_proposal_lists_the_classes_and_says_what_the_images_are_like(house):
    done = easel(house, "propose")
    assert (done.exit_code, done.stdout) == (0, f"photos: written {file(house)}\n")
    text = file(house).read_text()
    assert "int_domain { min: 32 }  # these images: 80 to 80" in text
    schema = contract.parse(text, file(house))
    assert list(schema.string_domain[0].value) == ["cat", "dog"]
    assert list(schema.default_environment) == ["TRAINING", "SERVING"]
    assert contract.schema_key(file(house)) == contract.schema_key(file(house)), "the next run is cached"


def test_a_file_that_exists_is_kept_or_put_aside_never_overwritten(house):
    easel(house, "propose")
    file(house).write_text("# mine")
    assert "kept" in easel(house, "propose").stdout
    assert file(house).read_text() == "# mine"
    for number in (1, 2):
        (document,) = json.loads(easel(house, "propose", "--replace", "--json").stdout)
        assert document["backup"] == f"{file(house)}.{number}"
    assert (file(house).parent / "photos.pbtxt.1").read_text() == "# mine"


def test_what_new_images_violate_is_named(house):
    easel(house, "propose")
    assert easel(house, "diff").exit_code == 0
    new = house / "new"
    (new / "cat").mkdir(parents=True)
    (new / "owl").mkdir()
    corpus.photo(seed=9).save(new / "owl" / "9.jpg")
    Image.new("RGB", (96, 80)).save(new / "cat" / "black.png")
    done = easel(house, "diff", "--folder", new)
    assert done.exit_code == 3
    for words in (
        "1 image with owl, allowed is one of cat, dog",
        "owl/9.jpg",
        "allowed is at least 0.02",
        "cat/black.png",
    ):
        assert words in done.stdout
    (document,) = json.loads(easel(house, "diff", "--folder", new, "--json").stdout)
    assert (document["images"], document["missing_classes"]) == (2, [])
    found = {each["feature"]: each for each in document["violations"]}
    assert found["image/brightness"]["files"] == ["cat/black.png"]
    assert found["image/class/text"]["found"] == "owl"


def test_a_class_that_is_gone_is_missed_in_the_folder_itself(house):
    easel(house, "propose")
    for path in (house / "photos" / "dog").iterdir():
        path.unlink()
    done = easel(house, "diff")
    assert done.exit_code == 3
    assert "class 'dog' has no image" in done.stdout


def test_served_photos_need_no_class(house):
    easel(house, "propose")
    served = house / "served"
    served.mkdir()
    corpus.photo(seed=1).save(served / "a.jpg")
    done = easel(house, "diff", "--folder", served, "--unlabelled")
    assert done.exit_code == 0, done.output
    Image.new("RGB", (20, 80)).save(served / "narrow.png")
    assert (
        "image/width: 1 image with 20, allowed is at least 32"
        in easel(house, "diff", "--folder", served, "--unlabelled").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff"], "no schema yet"),
        (["diff", "--unlabelled"], "--folder"),
        (["diff", "--folder", ".", "--lane", "paintings"], "none of photos"),
    ],
)
def test_a_mistake_is_one_line(house, arguments, message):
    done = easel(house, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_is_light(house):
    code = (
        "import sys, pipeline.planning.schema; print([name for name in ('tfx', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
