"""The lookup of published weights, against a server of this machine: no test asks the one that Keras would."""

import json
import urllib.error
import urllib.request

import h5py
import pytest

from pipeline.configuration.config import load
from pipeline.planning import weights
from tests.pipeline.commands.command import easel, finishing_with
from trainer.networks.backbone_table import TABLE

FILE = TABLE["MobileNetV2"].published[1]
IMAGENET = ("--set", "classifier.backbone.weights=imagenet")


def cached(name=FILE):
    path = weights.cache() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["kernel"] = [1.0] * 1000
    return path


def test_weights_that_are_nowhere_are_2_before_anything_runs(config_file, published, fake_runner):
    fake_runner(lambda *given: pytest.fail("was started"))
    for command in ("check", "run"):
        result = easel(command, config_file, *IMAGENET)
        assert result.exit_code == 2
        told = " ".join((result.stdout + result.stderr).split())
        assert f"classifier.backbone.weights: imagenet: {FILE} is not in Keras' cache" in told
        assert "(the server says 404 Not Found)" in told
        assert f"put it into {weights.cache()}" in told
        assert "small_cnn" in told
    assert all(path.endswith(f"/mobilenet_v2/{FILE}") for path in published["asked"])


def test_weights_that_can_be_downloaded_or_are_in_the_cache_are_fine(config_file, published, fake_runner):
    published[FILE] = 200
    assert easel("check", config_file, *IMAGENET).exit_code == 0
    fake_runner(finishing_with("pushed"))
    assert easel("run", config_file, *IMAGENET).exit_code == 0
    published.pop(FILE)
    cached()
    published["asked"].clear()
    assert easel("check", config_file, *IMAGENET).exit_code == 0
    assert published["asked"] == []


def test_every_key_is_named_and_each_file_is_asked_for_once(config_file, published):
    keys = ["classifier.backbone.weights", "style.perceptual.weights", "style.encoder.weights"]
    sets = [argument for key in keys for argument in ("--set", f"{key}=imagenet")]
    # The network that ships with Easel brings its own encoder.
    document = json.loads(easel("check", config_file, "--json", *sets).stdout)
    assert [error.split(": ")[0] for error in document["errors"]] == keys[:2]
    published["asked"].clear()
    sets += ["--set", "style.train.start=scratch"]
    document = json.loads(easel("check", config_file, "--json", *sets).stdout)
    assert [error.split(": ")[0] for error in document["errors"]] == keys
    assert len(published["asked"]) == 2


def test_half_a_download_is_no_file(config_file, published):
    path = cached()
    path.write_bytes(path.read_bytes()[:4000])
    published[FILE] = 200  # Keras would take what is there
    [fault] = weights.missing(load(config_file, [IMAGENET[1]]))
    assert f"{path} is damaged" in fault


def test_a_server_that_does_not_answer_is_not_waited_for(config_file, published, monkeypatch):
    monkeypatch.setattr(weights, "_SECONDS", 0.2)
    published[FILE] = "late"
    [fault] = weights.missing(load(config_file, [IMAGENET[1]]))
    assert "no answer within" in fault


def test_no_network_is_told_in_words(config_file, published, monkeypatch):
    def refuse(request, timeout):
        raise urllib.error.URLError(OSError(-2, "Name or service not known"))

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    [fault] = weights.missing(load(config_file, [IMAGENET[1]]))
    assert "(Name or service not known)" in fault


@pytest.mark.parametrize("backbone", ["small_cnn", "trainer.networks.small_cnn:small_cnn"])
def test_a_backbone_that_nobody_published_weights_of_is_refused(config_file, backbone):
    told = f"{backbone} has no ImageNet weights; write weights: none"
    for value in (f"{{name: '{backbone}'}}", f"{{name: '{backbone}', weights: imagenet}}"):
        result = easel("check", config_file, "--set", f"classifier.backbone={value}")
        assert result.exit_code == 2
        assert told in result.stdout
    assert f"classifier.backbone.weights: {told}" in result.stdout


def test_every_address_is_found_in_keras_own_source():
    rows = [row for row in TABLE.values() if row.published]
    assert all(weights.address(row).endswith(f"/{row.published[1]}") for row in rows)
    assert {row.name for row in TABLE.values()} - {row.name for row in rows} == {"small_cnn"}
