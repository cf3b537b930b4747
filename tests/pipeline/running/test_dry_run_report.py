"""What a dry run says, from the states of the components."""

import dataclasses
import io
import json

import pytest
from rich.console import Console

from pipeline.history.causes import FIRST
from pipeline.planning.triggers import Decision
from pipeline.progress.events import Node
from pipeline.running.dry_run_report import Component, render, summed_up

MODEL = ("DataGate", "Transform", "Trainer", "Champion", "Evaluator", "PromotionGate", "ServingPusher")
ORDER = ("ImageFolderExampleGen.photos", "StatisticsGen.photos", *(f"{name}.classifier" for name in MODEL))


def components(**states):
    """All cached but those given as `Component=state` or `Component=(state, why)`; a word for all behind it."""
    found, rest = [], "cached"
    for node_id in ORDER:
        name, lane = node_id.split(".")[:2]
        given = states.get(name, rest)
        state, why = given if isinstance(given, tuple) else (given, "")
        rest = {"runs": "follows", "stopped": "skipped"}.get(state, state)
        found.append(Component(Node(node_id, lane, name.lower()), state, why))
    return found


def lanes(found):
    return {lane.name: (lane.action, lane.reasons) for lane in found.lanes}


@pytest.mark.parametrize(
    ("states", "photos", "classifier"),
    [
        ({}, ("unchanged", ()), ("unchanged", ())),
        ({"Champion": "cached", "Evaluator": "skipped"}, ("unchanged", ()), ("unchanged", ())),
        ({"ImageFolderExampleGen": ("runs", "412 new images")}, ("reads", ("412 new images",)), ("retrains", ())),
        ({"ImageFolderExampleGen": ("runs", FIRST)}, ("reads", ("it is the first time",)), ("retrains", ())),
        ({"Trainer": ("runs", "the code changed")}, ("unchanged", ()), ("retrains", ("the code changed",))),
        (
            {"Evaluator": ("runs", "classifier.thresholds changed")},
            ("unchanged", ()),
            ("evaluates", ("classifier.thresholds changed",)),
        ),
        ({"PromotionGate": ("runs", "x")}, ("unchanged", ()), ("evaluates", ("x",))),
        ({"ServingPusher": ("runs", "nothing changed")}, ("unchanged", ()), ("pushes", ())),
    ],
)
def test_each_lane_in_a_word_with_its_reasons(states, photos, classifier):
    assert lanes(summed_up(components(**states), {})) == {"photos": photos, "classifier": classifier}


def test_a_closed_gate_stays_closed():
    [_, classifier] = summed_up(components(DataGate="stopped"), {}).lanes
    assert classifier.action == "stopped"


NEW = {"ImageFolderExampleGen": ("runs", "12 new images")}


def test_without_a_reason_nothing_would_run():
    found = summed_up(components(**NEW), {"classifier": Decision(False, ("12 new photos, of 50 wanted",))})
    assert lanes(found) == {
        "photos": ("skipped", ("12 new images",)), "classifier": ("skipped", ("12 new photos, of 50 wanted",)),
    }  # fmt: skip
    assert {each.state for each in found.components} == {"skipped"}


def test_beside_a_model_with_a_reason_the_data_of_the_other_are_read_too():
    decisions = {"classifier": Decision(False, ("too few",)), "style": Decision(True, ("old",))}
    states = {each.node.id: each.state for each in summed_up(components(**NEW), decisions).components}
    assert states["DataGate.classifier"] == "follows"
    assert states["Trainer.classifier"] == "skipped"


def test_drift_is_not_known_before_the_data_are_read():
    [_, classifier] = summed_up(components(**NEW), {"classifier": Decision(None, ("too few",))}).lanes
    assert (classifier.action, classifier.reasons) == ("waits", ("too few",))
    [_, classifier] = summed_up(components(), {"classifier": Decision(None, ("too few",))}).lanes
    assert classifier.action == "unchanged"


def test_the_sentences_and_the_document():
    found = summed_up(components(**NEW), {"classifier": Decision(True, ("12 new photos",))})
    console = Console(file=io.StringIO(), width=120)
    console.print(render(found))
    text = console.file.getvalue()
    assert text.startswith(
        "photos: 12 new images\nclassifier: retrains (12 new photos)\n\n9 components would run, 0 would"
    )
    told = dataclasses.replace(found, evidence=("classifier: 15 photos cannot show it",))
    console.print(render(told))
    assert "! classifier: 15 photos cannot show it" in console.file.getvalue()
    assert told.to_json()["evidence"] == told.evidence
    document = json.loads(json.dumps(found.to_json()))
    assert document["lanes"][0] == {"name": "photos", "action": "reads", "reasons": ["12 new images"]}
    assert document["components"][0]["reason"] == "12 new images"
