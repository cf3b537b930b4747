"""Reasons to train: decisions from facts."""

import pytest
from pydantic import ValidationError

from pipeline.configuration.config import load
from pipeline.configuration.file import ConfigError
from pipeline.configuration.when import WhenOptions
from pipeline.planning.triggers import Decision, Facts, decide

DAY = 86400.0


def facts(new=0, age=3 * DAY, version=4):
    return Facts(version, age, {"photos": new})


@pytest.mark.parametrize(
    ("when", "known", "train", "reasons"),
    [
        ({"always": None}, facts(), True, ["when.always"]),
        ({"new_images": 100}, facts(412), True, ["412 new photos"]),
        ({"new_images": 100}, facts(12), False, ["12 new photos, of 100 wanted"]),
        ({"new_images": 1}, facts(0), False, ["no new photos, of 1 wanted"]),
        ({"new_images": 5}, Facts(4, DAY, {"photos": 3, "paintings": 2}), True, ["3 new photos and 2 new paintings"]),
        ({"new_images": 5}, Facts(4, DAY, None), True, ["it is not known what it was trained on"]),
        ({"new_images": 5}, facts(0, None, None), True, ["no version serves yet"]),
        ({"older_than": "30d"}, facts(age=31 * DAY), True, ["version 4 is 31 days old"]),
        ({"older_than": "30d"}, facts(age=30 * DAY), False, ["version 4 is 30 days old, not 30 days"]),
        ({"older_than": "1w"}, facts(age=30 * 3600), False, ["version 4 is 30 hours old, not 1 week"]),
        ({"older_than": "1w"}, facts(age=None), False, []),
        ({"drift": True}, facts(), None, []),
        ({"drift": True, "new_images": 9}, facts(3), None, ["3 new photos, of 9 wanted"]),
        ({"drift": True, "new_images": 9}, facts(9), True, ["9 new photos"]),
        (
            {"new_images": 9, "older_than": "2d"},
            facts(3, 50 * 3600),
            True,
            ["version 4 is 2 days old"],
        ),
    ],
)
def test_one_reason_is_enough_and_without_one_it_says_what_is_missing(when, known, train, reasons):
    assert decide(WhenOptions(**when), known) == Decision(train, tuple(reasons))


def test_drift_settles_what_waited_for_it():
    waiting = Decision(None, ("3 new photos, of 9 wanted",))
    assert waiting.after_looking(["brightness moved"]) == Decision(True, ("brightness moved",))
    assert waiting.after_looking([]) == Decision(False, ("3 new photos, of 9 wanted", "no drift"))


@pytest.mark.parametrize("when", [{}, {"older_than": "30"}, {"older_than": "0d"}, {"new_images": 0}, {"drift": False}])
def test_what_is_no_trigger_is_refused(when):
    with pytest.raises(ValidationError):
        WhenOptions(**when)


def test_the_sections_as_people_write_them(config_file):
    text = config_file.read_text()
    config_file.write_text(text + "when: {new_images: 50, older_than: 30d, always}\non: {pushed: mail, timeout: 5}\n")
    config = load(config_file)
    assert config.when.always
    assert config.on.pushed == "mail"
    with pytest.raises(ConfigError, match=r"when: names no reason to train"):
        load(config_file, ["when={}"])
    with pytest.raises(ConfigError, match=r"on\.pushd: unknown key; did you mean pushed\?"):
        load(config_file, ["on.pushd=x"])
    with pytest.raises(ConfigError, match=r"when\.drift waits for what data_gate ignores"):
        load(config_file, ["when.drift=true", "data_gate.label_drift=ignore", "data_gate.measure_drift=ignore"])
