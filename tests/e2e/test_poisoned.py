"""A bad model is not pushed, whatever it is that makes it bad; the exit code tells the scheduler."""

import json
import shutil

import pytest

from tests.e2e.conftest import House


@pytest.fixture
def house(tmp_path, drawn) -> House:
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    return House(tmp_path)


def test_models_that_miss_their_thresholds_are_not_pushed_and_exit_4(house):
    house.configure(
        classifier__train={"scratch_epochs": 1},
        classifier__thresholds={"accuracy": {"at_least": 0.999}},
        style__train={"steps": 1, "batch_size": 1, "crop": 48},
        style__thresholds={"style_distance": {"at_most": 1e-6}},
    )
    done = house.easel("run", "easel.yaml", "--json")
    assert done.returncode == 4, done.stderr[-3000:]
    models = {model["name"]: model for model in json.loads(done.stdout)["models"]}
    assert {model["outcome"] for model in models.values()} == {"rejected"}
    assert "accuracy" in " ".join(models["classifier"]["reasons"])
    assert "style" in " ".join(models["style"]["reasons"])
    assert house.versions("classifier") == house.versions("style") == []
