import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.promotion_gate.decide import Evidence, Policy, decide
from trainer.rules import Rule

DIRECTIONS = {"accuracy": "higher", "style_distance": "lower"}
GOOD = {"accuracy": 0.912, "style_distance": 0.067}
TRIVIAL = {"accuracy": 0.4, "style_distance": 0.274}
WITHHELD = {"part": "classifier", "variant": "int8", "verdict": "withheld", "reason": "accuracy drops", "metrics": {}}


def measured(candidate=GOOD, champion=None, slices=None):
    return {"candidate": dict(candidate), "champion": champion, "examples": 100, "slices": slices or {}}


def classes(candidate, champion=None):
    return {
        "image/class/text": {
            name: {
                "candidate": {"accuracy": value, "style_distance": 0.1},
                "champion": None if champion is None else {"accuracy": champion[name], "style_distance": 0.1},
                "examples": 10,
            }
            for name, value in candidate.items()
        }
    }


def decision(rules=None, blessed=None, trivial=TRIVIAL, policy=None, failures=(), tflite=(), gains=None, **kinds):
    rules = rules or {}
    if blessed is None and any(rule.at_least is not None or rule.at_most is not None for rule in rules.values()):
        blessed = True
    return decide(
        Policy(rules=rules, directions=DIRECTIONS, **(policy or {})),
        Evidence(measured(**kinds), trivial, blessed, gains or {}, failures, tflite),
    )


def test_a_model_that_keeps_its_thresholds_is_approved_with_the_reasons_in_words():
    answer = decision(
        {"accuracy": Rule(at_least=0.85), "style_distance": Rule(at_most=0.2, beats_trivial_times=2)},
        policy={"trivial_name": "colour transfer"},
    )
    assert answer["approved"]
    assert answer["reasons"] == [
        "accuracy 0.912 is at least 0.85",
        "style distance 0.067 is at most 0.2",
        "style distance 0.067 is 4.09 times as good as colour transfer's 0.274 (at least 2 times is asked for)",
        "TFX's Evaluator found all of its thresholds kept",
    ]
    assert answer["metrics"] == {"candidate": GOOD, "champion": None, "trivial": TRIVIAL}


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"accuracy": Rule(at_least=0.95)}, "accuracy 0.912 is below 0.95, the bound"),
        ({"accuracy": Rule(at_least=0.91201)}, "accuracy 0.912 is below 0.91201, the bound"),
        ({"style_distance": Rule(at_most=0.05)}, "style distance 0.067 is above 0.05, the bound"),
        (
            {"accuracy": Rule(beats_trivial_by=0.6)},
            "accuracy 0.912 is only 0.512 better than the trivial baseline's 0.4 (at least 0.6 better is asked for)",
        ),
        (
            {"style_distance": Rule(beats_trivial_times=5)},
            "style distance 0.067 is only 4.09 times as good as the trivial baseline's 0.274 "
            "(at least 5 times is asked for)",
        ),
    ],
)
def test_what_speaks_against_comes_first_with_both_numbers(rules, reason):
    answer = decision(rules)
    assert not answer["approved"]
    assert answer["reasons"][0] == reason
    assert answer["checks"][0]["passed"] is False


def test_worse_than_the_trivial_baseline_is_called_so():
    answer = decision({"accuracy": Rule(beats_trivial_by=0.0)}, trivial={"accuracy": 0.95})
    assert answer["reasons"] == [
        "accuracy 0.912 is 0.038 worse than the trivial baseline's 0.95 (at least 0 better is asked for)"
    ]


def test_an_unmeasured_trivial_baseline_promotes_nothing():
    answer = decision({"accuracy": Rule(beats_trivial_by=0.0)}, trivial={"accuracy": math.nan})
    assert answer["reasons"] == ["the trivial baseline's accuracy is not a finite number (nan)"]
    assert answer["metrics"]["trivial"] == {"accuracy": None}


@pytest.mark.parametrize(
    ("champion", "approved", "reason"),
    [
        (0.92, True, "accuracy 0.912 is 0.008 worse than the champion's 0.92 (at most 0.01 worse is allowed)"),
        (0.95, False, "accuracy 0.912 is 0.038 worse than the champion's 0.95 (at most 0.01 worse is allowed)"),
        (0.9, True, "accuracy 0.912 is 0.012 better than the champion's 0.9"),
        (0.912, True, "accuracy 0.912 equals the champion's"),
        (math.nan, False, "the champion's accuracy is not a finite number (nan)"),
    ],
)
def test_the_champion_may_be_lost_to_by_as_much_as_the_rule_allows(champion, approved, reason):
    answer = decision(
        {"accuracy": Rule(max_loss_to_champion=0.01)}, champion={**GOOD, "accuracy": champion}, blessed=approved
    )
    assert answer["approved"] == approved
    assert answer["reasons"][0] == reason


@pytest.mark.parametrize(
    ("right", "approved", "reason"),
    [
        (60, True, "accuracy is surely better than the trivial baseline's, by 0.52 or more "
                   "(95 % confidence, 100 examples)"),
        (1, False, "accuracy is not surely better than the trivial baseline's (95 % confidence, 100 examples); "
                   "more eval images would tell them apart"),
    ],
)  # fmt: skip
def test_a_margin_over_the_trivial_baseline_must_not_be_luck(right, approved, reason):
    gains = {"trivial": {"accuracy": np.repeat([1.0, 0.0], [right, 100 - right])}}
    answer = decision({"accuracy": Rule(beats_trivial_by=0.05)}, gains=gains)
    assert answer["approved"] == approved
    assert reason in answer["reasons"]


@pytest.mark.parametrize(
    ("worse", "better", "approved", "reason"),
    [
        (2, 2, True, "accuracy is at most 0.03 worse than the champion's (95 % confidence, 100 examples; "
                     "0.05 worse is allowed)"),
        (20, 20, False, "accuracy is at most 0.1 worse than the champion's (95 % confidence, 100 examples; "
                        "0.05 worse is allowed; more eval images would narrow it)"),
        (0, 30, True, "accuracy is at least 0.23 better than the champion's (95 % confidence, 100 examples; "
                      "0.05 worse is allowed)"),
    ],
)  # fmt: skip
def test_noise_hides_no_loss_to_the_champion(worse, better, approved, reason):
    gains = {"champion": {"accuracy": np.repeat([-1.0, 1.0, 0.0], [worse, better, 100 - worse - better])}}
    rules = {"accuracy": Rule(max_probable_loss_to_champion=0.05)}
    answer = decision(rules, gains=gains, champion=GOOD)
    assert (answer["approved"], answer["reasons"][0]) == (approved, reason)


def test_a_champion_that_cannot_be_compared_example_by_example_promotes_nothing():
    answer = decision({"accuracy": Rule(max_probable_loss_to_champion=0.05)}, champion=GOOD)
    assert answer["reasons"] == ["accuracy could not be compared with the champion's example by example"]


def test_without_a_champion_only_the_other_rules_count():
    assert decision({"accuracy": Rule(max_loss_to_champion=0.0, max_slice_loss_to_champion=0.0)})["approved"]


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_a_metric_without_a_value_is_not_approved_even_without_a_rule(value):
    candidate = {"style_distance": 0.1} if value is None else {"style_distance": 0.1, "accuracy": value}
    answer = decision(candidate=candidate)
    assert not answer["approved"]
    assert answer["reasons"][0].startswith("accuracy ")
    json.dumps(answer, allow_nan=False)


def test_one_bad_class_is_not_hidden_by_the_average():
    slices = classes({"glass": 0.95, "trash": 0.3, "metal": 0.9})
    answer = decision({"accuracy": Rule(every_slice_at_least=0.5)}, slices=slices)
    assert not answer["approved"]
    assert answer["reasons"] == ["accuracy of trash 0.3 is below 0.5, the bound"]
    assert [(c["slice"], c["passed"]) for c in answer["checks"]] == [
        ("image/class/text=glass", True),
        ("image/class/text=trash", False),
        ("image/class/text=metal", True),
    ]


def test_good_slices_are_one_sentence_about_the_worst():
    answer = decision({"accuracy": Rule(every_slice_at_least=0.5)}, slices=classes({"glass": 0.95, "trash": 0.6}))
    assert answer["approved"]
    assert answer["reasons"] == [
        "accuracy keeps its bounds in every slice; the worst: accuracy of trash 0.6 is at least 0.5"
    ]


def test_no_class_may_lose_more_than_allowed_although_the_average_gains():
    slices = classes({"glass": 0.99, "trash": 0.5}, champion={"glass": 0.8, "trash": 0.6})
    answer = decision(
        {"accuracy": Rule(max_slice_loss_to_champion=0.05)}, champion={**GOOD, "accuracy": 0.9}, slices=slices
    )
    assert answer["reasons"] == [
        "accuracy of trash 0.5 is 0.1 worse than the champion's 0.6 (at most 0.05 worse is allowed)"
    ]


@pytest.mark.parametrize(
    ("blessed", "failures", "reason"),
    [
        (False, ["accuracy"], "TFX's Evaluator did not bless the candidate (accuracy)"),
        (None, [], "TFX's Evaluator validated nothing although thresholds are set"),
    ],
)
def test_the_evaluator_has_a_veto(blessed, failures, reason):
    evidence = Evidence(measured(), TRIVIAL, blessed, failures=failures)
    answer = decide(Policy({"accuracy": Rule(at_least=0.1)}, DIRECTIONS), evidence)
    assert not answer["approved"]
    assert answer["reasons"][0] == reason


def test_a_withheld_variant_is_a_warning():
    answer = decision(tflite=[WITHHELD])
    assert answer["approved"]
    assert answer["warnings"] == ["TFLite int8 of the classifier is withheld: accuracy drops"]


@pytest.mark.parametrize(
    ("tflite", "reason"),
    [
        ([WITHHELD], "TFLite int8, which is required, is withheld (classifier: accuracy drops)"),
        ([], "TFLite int8, which is required, is withheld (it was not made)"),
    ],
)
def test_a_required_variant_that_is_withheld_holds_the_model_back(tflite, reason):
    answer = decision(tflite=tflite, policy={"required_variants": ["int8"]})
    assert (answer["approved"], answer["reasons"], answer["warnings"]) == (False, [reason], [])


values = st.floats(0, 1)
bounds = st.none() | values


@given(values, values, values, bounds, bounds, bounds)
def test_the_decision_is_the_rules_and_nothing_else(value, champion, trivial, at_least, loss, margin):
    """Against the rule written out by hand for one metric of which more is better."""
    expected = (
        (at_least is None or value >= at_least)
        and (loss is None or value - champion >= -loss)
        and (margin is None or value - trivial >= margin)
    )
    rule = Rule(at_least=at_least, max_loss_to_champion=loss, beats_trivial_by=margin)
    says = (at_least is None or value >= at_least) and (loss is None or value - champion >= -loss)
    blessed = says if at_least is not None or loss is not None else None
    answer = decide(
        Policy({"accuracy": rule}, {"accuracy": "higher"}),
        Evidence(measured({"accuracy": value}, {"accuracy": champion}), {"accuracy": trivial}, blessed),
    )
    assert answer["approved"] == expected
    assert len(answer["reasons"]) == len(answer["checks"])
    json.dumps(answer, allow_nan=False)


@given(values, values, values, values)
def test_a_better_candidate_is_never_refused_where_a_worse_one_is_approved(low, high, champion, trivial):
    low, high = sorted((low, high))
    rules = {
        "accuracy": Rule(max_loss_to_champion=0.1, beats_trivial_by=0.05, beats_trivial_times=1.5),
        "style_distance": Rule(max_loss_to_champion=0.1, beats_trivial_by=0.05, beats_trivial_times=1.5),
    }

    def approved(accuracy, distance):
        return decide(
            Policy(rules, DIRECTIONS),
            Evidence(
                measured(
                    {"accuracy": accuracy, "style_distance": distance},
                    {"accuracy": champion, "style_distance": champion},
                ),
                {"accuracy": trivial, "style_distance": trivial},
                blessed=True,
            ),
        )["approved"]

    assert approved(high, low) >= approved(low, high)
