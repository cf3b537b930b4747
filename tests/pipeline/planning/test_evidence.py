"""What is said of small sets before anything is trained."""

import pytest

from components.image_folder_example_gen.whole_folder import report
from pipeline.configuration import config as configuration
from pipeline.planning.evidence import foretell


def read(**classes):
    """A report of a folder whose eval images are these, by class."""
    return report.build({("examples", "eval", name, "256-511"): count for name, count in classes.items()}, [])


@pytest.fixture
def lines(config_file):
    def lines(photos, *overrides, paintings=None):
        config = configuration.load(config_file, overrides)
        reports = {"classifier.photos": read(**photos)}
        if paintings is not None:
            reports |= {"style.photos": read(**photos), "style.paintings": read(**paintings)}
        return foretell(config, reports)

    return lines


def test_a_small_set_is_told_what_it_can_show_what_it_takes_and_which_keys_to_change(lines):
    told = lines({"can": 5, "jar": 5, "lid": 5})
    assert told == [
        "classifier: 15 photos to evaluate with can show that a model beats the trivial ones only where those get "
        "5 or more wrong; otherwise a first version becomes a canary, which serves after `easel models promote`. "
        "An advantage of 0.05 takes 100 photos",
        "classifier: 15 photos to evaluate with cannot show that a later version loses at most 0.05 of accuracy to "
        "the one that serves, even if both answer alike: none would be approved; it takes 59 photos",
        "classifier: to evaluate on more: more photos, or ingest.eval_fraction above 0.2; "
        "to ask for less: classifier.thresholds (null switches a rule off)",
    ]


def test_a_set_that_cannot_even_tell_a_classifier_from_a_constant_answer_is_told_so(lines):
    told = lines({"can": 30, "jar": 3})
    assert "of 33 photos to evaluate with only 3 are not can" in told[0]
    assert "no first version can be approved" in told[0]


@pytest.mark.parametrize(
    ("photos", "overrides"),
    [
        ({"can": 50, "jar": 50}, ()),
        (
            {"can": 3, "jar": 3},
            (
                "classifier.thresholds.accuracy.beats_trivial_by=null",
                "classifier.thresholds.accuracy.max_probable_loss_to_champion=null",
            ),
        ),
        ({"can": 30, "jar": 30}, ("classifier.thresholds.accuracy.beats_trivial_by=0.1",)),
        ({}, ()),
    ],
)
def test_enough_photos_and_modest_wishes_are_passed_over(lines, photos, overrides):
    assert lines(photos, *overrides) == []


def test_a_metric_of_another_range_needs_other_numbers(lines):
    told = lines({"can": 60, "jar": 60}, "classifier.thresholds.brier.max_probable_loss_to_champion=0.02")
    assert "loses at most 0.02 of brier" in told[0]
    assert "it takes 299 photos" in told[0]


def test_too_few_pictures_cannot_tell_a_style_network_from_colour_transfer(lines):
    photos = {"can": 50, "jar": 50}
    [told] = lines(photos, "style.pairs.photos=1", paintings={"": 2})
    assert told.startswith("style: 2 pictures to evaluate are too few")
    assert "style.pairs.photos" in told
    assert lines(photos, paintings={"": 2}) == []
