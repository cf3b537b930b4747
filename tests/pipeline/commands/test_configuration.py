"""`easel config`."""

import json

import yaml

from tests.pipeline.commands.command import easel


def test_config_schema_is_json_schema():
    document = json.loads(easel("config", "schema").stdout)
    assert document["$schema"].startswith("https://json-schema.org/")
    assert "classifier" in document["properties"]


def test_config_show_is_the_whole_configuration(config_file, folders):
    document = yaml.safe_load(easel("config", "show", config_file, "--set", "seed=5").stdout)
    assert document["seed"] == 5
    assert document["classifier"]["photos"] == str(folders / "photos")
    assert json.loads(easel("config", "show", config_file, "--set", "seed=5", "--json").stdout) == document
