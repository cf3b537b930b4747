"""How a search and a warm start change the classifier's lane."""

import dataclasses
import json

import pytest

from pipeline import dag
from pipeline.configuration import config as configuration
from pipeline.planning import snapshot


@pytest.fixture
def build(config_file):
    def build(*overrides, tuned=None):
        config = configuration.load(config_file, overrides).only("classifier")
        world = dataclasses.replace(snapshot.take(config), tuned=tuned)
        pipeline, _ = dag.build(config, world)
        return {component.id: component for component in pipeline.components}

    return build


def given(component):
    return json.loads(component.exec_properties["custom_config"])


def test_a_search_comes_before_the_training_that_takes_what_it_found(build):
    nodes = build("classifier.tuner.enabled=true", "classifier.tuner.minutes=3")
    assert given(nodes["Tuner.classifier"])["tuner"]["minutes"] == 3
    trainer = nodes["Trainer.classifier"]
    assert trainer.inputs["hyperparameters"] is nodes["Tuner.classifier"].outputs["best_hyperparameters"]
    assert "hyperparameters" not in nodes["Trainer.classifier.trivial"].inputs


def test_what_was_found_is_reused_instead_of_searched_again(build):
    nodes = build("classifier.tuner.enabled=true", "classifier.tuner.reuse=true", tuned={"dropout": 0.5})
    assert "Tuner.classifier" not in nodes
    assert given(nodes["Trainer.classifier"])["tuned"] == {"dropout": 0.5}
    searched_first = build("classifier.tuner.enabled=true", "classifier.tuner.reuse=true")
    assert "Tuner.classifier" in searched_first


def test_the_champion_is_no_part_of_the_trainings_cache_key(build, folders):
    trainer = build("classifier.train.warm_start=true")["Trainer.classifier"]
    assert given(trainer)["warm_start"].endswith("resume/champion-classifier.json")
    assert "warm_start" not in given(build()["Trainer.classifier"])
