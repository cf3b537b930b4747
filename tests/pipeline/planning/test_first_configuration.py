"""`easel init`: what it finds in folders, what it writes, and that `easel check` is content with it."""

import json
import os

import numpy as np
import pytest
import yaml
from PIL import Image

from pipeline.configuration.config import load
from pipeline.planning import discovery, first_configuration
from tests.pipeline.commands.command import easel
from trainer.base.errors import UserError
from trainer.networks.backbone_table import TABLE


@pytest.fixture(autouse=True)
def offline(published):
    """No weights are to be had, unless a test puts them into `published`."""


def draw(root, *names, each=12):
    noise = np.random.default_rng(7)
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
        for index in range(each):
            Image.fromarray(noise.integers(0, 255, (40, 48, 3), np.uint8)).save(root / name / f"{index}.jpg")


def written(root, folder=""):
    result = easel("init", root / folder)
    assert result.exit_code == 0, result.stderr
    return yaml.safe_load((root / "easel.yaml").read_text()), result.stdout


def test_photos_in_classes_and_paintings_become_both_models_and_check_is_content(tmp_path):
    draw(tmp_path, "photos/cat", "photos/dog", "paintings")
    document, said = written(tmp_path)
    assert document == {
        "classifier": {"photos": "photos", "backbone": {"name": "small_cnn", "weights": "none"}},
        "style": {
            "photos": "photos",
            "paintings": "paintings",
            "perceptual": {"weights": "light"},
            "encoder": {"weights": "none"},
        },
    }
    text = (tmp_path / "easel.yaml").read_text()
    assert "24 images, a folder for each class; 2 classes: cat 12, dog 12" in text
    assert "12 paintings" in text
    assert f"classifier.photos: 24 images in 2 classes in {tmp_path / 'photos'}" in said
    assert "Next: easel check" in said
    assert max(map(len, text.splitlines())) <= 120
    checked = easel("check", tmp_path / "easel.yaml")
    assert checked.exit_code == 0, checked.stdout


def test_where_weights_can_be_had_they_are_used(tmp_path, published):
    published.update({TABLE[name].published[1]: 200 for name in ("MobileNetV2", "VGG19")})
    draw(tmp_path, "photos/cat", "photos/dog", "paintings")
    document, _ = written(tmp_path)
    assert document["classifier"]["backbone"] == {"name": "MobileNetV2", "weights": "imagenet"}
    assert document["style"]["encoder"] == document["style"]["perceptual"] == {"weights": "imagenet"}
    assert easel("check", tmp_path / "easel.yaml").exit_code == 0


def test_a_file_that_exists_stays(tmp_path):
    draw(tmp_path, "photos/cat", "photos/dog")
    (tmp_path / "easel.yaml").write_text("mine")
    result = easel("init", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{tmp_path / 'easel.yaml'}: exists and stays as it is" in result.stderr
    assert (tmp_path / "easel.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("folders", "photos", "layout"),
    [
        (["set/cat", "set/dog"], "set", "classes"),
        (["data/train/cat", "data/train/dog", "data/test/cat", "data/test/dog"], "data", "split"),
        (["photos/span-1/cat", "photos/span-2/cat", "photos/span-2/dog"], "photos/span-{SPAN}", "classes"),
        (["photos/2024-05-01/cat", "photos/2024-05-02/dog"], "photos/{YYYY}-{MM}-{DD}", "classes"),
        (["my photos: new/cat", "my photos: new/dog"], "my photos: new", "classes"),
        (["[bilder] #1/Hund", "[bilder] #1/\U0001f408 %s {x}"], "[bilder] #1", "classes"),
    ],
)
def test_layouts_are_recognised(tmp_path, folders, photos, layout):
    draw(tmp_path, *folders, each=6)
    found = discovery.discover(tmp_path)
    assert found.classifier_photos.layout == layout
    document, _ = written(tmp_path)
    assert document["classifier"]["photos"] == photos
    assert "style" not in document
    assert load(tmp_path / "easel.yaml").classifier.photos == str(tmp_path / photos)


def test_classes_in_a_label_file_are_counted(tmp_path):
    draw(tmp_path, "photos/delivery")
    rows = "".join(f"delivery/{index}.jpg;{'cat' if index < 8 else 'dog'}\n" for index in range(12))
    (tmp_path / "photos" / "labels.csv").write_text(f"file;class\n{rows}")
    photos = discovery.discover(tmp_path).classifier_photos
    assert (photos.layout, photos.classes) == ("labels.csv", {"cat": 8, "dog": 4})


def test_of_a_folder_whose_folders_are_the_classes_the_file_goes_beside_it(tmp_path):
    draw(tmp_path, "pets/cat", "pets/dog", "paintings")
    document, _ = written(tmp_path, "pets")
    assert document["classifier"]["photos"] == "pets"
    assert document["style"]["paintings"] == "paintings"
    assert not (tmp_path / "pets" / "easel.yaml").exists()
    assert easel("check", tmp_path / "easel.yaml").exit_code == 0


def test_unsorted_photos_are_what_a_style_network_learns_to_paint_from(tmp_path):
    draw(tmp_path, "photos/cat", "photos/dog", "pictures", "art")
    document, _ = written(tmp_path)
    assert (document["style"]["photos"], document["style"]["paintings"]) == ("pictures", "art")
    assert document["classifier"]["photos"] == "photos"


def test_flat_photos_and_paintings_become_a_style_network_alone(tmp_path):
    draw(tmp_path, "pics", "paintings")
    document, _ = written(tmp_path)
    assert set(document) == {"style"}
    assert (
        "No classifier: no photos here lie in folders of two classes or more" in (tmp_path / "easel.yaml").read_text()
    )


@pytest.mark.parametrize("folders", [[], ["photos"], ["photos/cat"], ["paintings"]])
def test_what_nothing_can_be_trained_on_is_said_with_what_it_takes(tmp_path, folders):
    draw(tmp_path, *folders)
    result = easel("init", tmp_path)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "nothing to train on: a classifier needs photos in a folder for each class" in result.stderr
    assert list(tmp_path.glob("*.yaml")) == []


@pytest.mark.parametrize("name", ["photos ${HOME}", os.fsdecode(b"photos \xff")])
def test_names_that_a_configuration_cannot_hold_are_one_line(tmp_path, name):
    draw(tmp_path, f"{name}/cat", f"{name}/dog")
    with pytest.raises(UserError, match=r"rename the folder|not UTF-8"):
        first_configuration.write(discovery.discover(tmp_path))
    assert not (tmp_path / "easel.yaml").exists()


def test_what_yaml_cannot_hold_of_a_class_is_made_visible_in_its_comment(tmp_path):
    draw(tmp_path, "photos/cat\x07", "photos/dog")
    written(tmp_path)
    assert r"cat\x07 12, dog 12" in (tmp_path / "easel.yaml").read_text()


def test_workspaces_are_not_taken_for_images(tmp_path):
    draw(tmp_path, "photos/cat", "photos/dog", "easel-workspace/runs/a", "easel-workspace/runs/b")
    (tmp_path / "easel-workspace" / "metadata.sqlite").touch()
    result = easel("init", tmp_path, "--json")
    document = json.loads(result.stdout)
    assert document["file"] == str(tmp_path / "easel.yaml")
    assert list(document["inputs"]) == ["classifier.photos"]
    assert document["inputs"]["classifier.photos"]["classes"] == {"cat": 12, "dog": 12}
