import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.promotion_gate.decide import Evidence, Policy, decide
from trainer.evaluation.rules import TOLERANCE, Rule
from trainer.evaluation.trivial import Trivial

DIRECTIONS = {"accuracy": "higher", "style_distance": "lower"}
GOOD = {"accuracy": 0.912, "style_distance": 0.067}
TRIVIAL = {"accuracy": 0.4, "style_distance": 0.274}
WITHHELD = {"part": "classifier", "variant": "int8", "verdict": "withheld", "reason": "accuracy drops", "metrics": {}}
DEFAULT = {"accuracy": Rule(beats_trivial_by=0.05, max_probable_loss_to_champion=0.05)}


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


def outcomes(accuracy, style_distance=None):
    """Each example's own values; by default a style distance of 0.1, or nearly."""
    distances = 0.1 + 0.001 * (np.arange(len(accuracy)) % 2) if style_distance is None else style_distance
    rows = [(f"{row:05}".encode(), *values) for row, values in enumerate(zip(accuracy, distances, strict=True))]
    return np.array(rows, [("key", "S5"), ("accuracy", "f4"), ("style_distance", "f4")])


def right(*runs):
    """Outcomes that are right and wrong in turns: `right(3, 2, 1)` are three right ones, two wrong, one right."""
    return outcomes(np.concatenate([np.full(length, 1.0 - index % 2) for index, length in enumerate(runs)]))


ALL_RIGHT, ALL_WRONG = outcomes(np.ones(100)), outcomes(np.zeros(100), np.full(100, 0.4))


def trivial(metrics=TRIVIAL, own=ALL_WRONG, name="a trivial model", blind=False):
    return Trivial(name, metrics, own, blind)


def model(own, name, blind=False):
    means = {metric: float(own[metric].mean(dtype=float)) for metric in DIRECTIONS}
    return Trivial(name, means, own, blind)


def decision(
    rules=None, blessed=None, trivials=None, policy=None, failures=(), tflite=(), own=ALL_RIGHT, other=None, **kinds
):
    rules = rules or {}
    if blessed is None and any(rule.at_least is not None or rule.at_most is not None for rule in rules.values()):
        blessed = True
    return decide(
        Policy(rules=rules, directions=DIRECTIONS, decisive="accuracy", **(policy or {})),
        Evidence(measured(**kinds), trivials or [trivial()], blessed, own, other, failures, tflite),
    )


def judged(own, *trivials, other=None, rules=DEFAULT):
    """The decision by accuracy about outcomes alone, all figures following from them."""
    means = model(own, "").metrics
    champion = model(other, "").metrics if other is not None else None
    return decision(rules, trivials=trivials, own=own, other=other, candidate=means, champion=champion, blessed=True)


COLOURS = model(right(14, 1), "colour regression")
GUESS = model(right(5, 10), "the majority class", blind=True)


def test_a_model_that_keeps_its_thresholds_is_approved_with_the_reasons_in_words():
    answer = decision(
        {"accuracy": Rule(at_least=0.85), "style_distance": Rule(at_most=0.2, beats_trivial_times=2)},
        trivials=[trivial(name="colour transfer")],
    )
    assert answer["approved"]
    assert not answer["provisional"]
    assert answer["reasons"] == [
        "accuracy 0.912 is at least 0.85",
        "style distance 0.067 is at most 0.2",
        "style distance 0.067 is 4.09 times as good as colour transfer's 0.274 (at least 2 times is asked for)",
        "style distance is surely better than colour transfer's, by 0.299 or more (95 % confidence, 100 examples)",
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
            "accuracy 0.912 is only 0.512 better than a trivial model's 0.4 (at least 0.6 better is asked for)",
        ),
        (
            {"style_distance": Rule(beats_trivial_times=5)},
            "style distance 0.067 is only 4.09 times as good as a trivial model's 0.274 "
            "(at least 5 times is asked for)",
        ),
    ],
)
def test_what_speaks_against_comes_first_with_both_numbers(rules, reason):
    answer = decision(rules)
    assert not answer["approved"]
    assert answer["reasons"][0] == reason
    assert answer["checks"][0]["passed"] is False


def test_the_best_of_the_trivial_models_is_the_one_to_beat_metric_by_metric():
    one = trivial({"accuracy": 0.3, "style_distance": 0.1}, name="one")
    other = trivial({"accuracy": 0.5, "style_distance": 0.2}, name="other")
    answer = decision(
        {"accuracy": Rule(beats_trivial_by=0.45), "style_distance": Rule(beats_trivial_times=1.6)},
        trivials=[one, other],
    )
    assert answer["reasons"][:2] == [
        "accuracy 0.912 is only 0.412 better than other's 0.5 (at least 0.45 better is asked for)",
        "style distance 0.067 is only 1.49 times as good as one's 0.1 (at least 1.6 times is asked for)",
    ]
    assert (answer["trivial"], answer["metrics"]["trivial"]) == ("other", other.metrics)
    assert answer["trivials"] == {"one": one.metrics, "other": other.metrics}


def test_worse_than_the_trivial_baseline_is_called_so():
    answer = decision({"accuracy": Rule(beats_trivial_by=0.0)}, trivials=[trivial({**TRIVIAL, "accuracy": 0.95})])
    assert answer["reasons"][0] == (
        "accuracy 0.912 is 0.038 worse than a trivial model's 0.95 (at least 0 better is asked for)"
    )


@pytest.mark.parametrize("value", [math.nan, None])
def test_an_unmeasured_trivial_baseline_promotes_nothing(value):
    trivials = [trivial(), trivial({"accuracy": value} if value else {}, name="another")]
    answer = decision({"accuracy": Rule(beats_trivial_by=0.0)}, trivials=trivials)
    assert not answer["approved"]
    assert answer["reasons"][0].startswith("another's accuracy ")
    json.dumps(answer, allow_nan=False)


def test_without_any_trivial_model_nothing_is_promoted_that_must_beat_one():
    evidence = Evidence(measured(), [], blessed=True, outcomes=ALL_RIGHT)
    answer = decide(Policy(DEFAULT, DIRECTIONS, "accuracy"), evidence)
    assert not answer["approved"]
    assert answer["reasons"][0] == "a trivial model's accuracy was not measured"
    assert (answer["trivial"], answer["metrics"]["trivial"], answer["trivials"]) == ("", {}, {})


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


def test_the_noise_of_floating_point_numbers_is_no_loss():
    """0.90 - 0.92 is -0.020000000000000018."""
    slices = classes({"glass": 0.9}, {"glass": 0.92})
    answer = decision(
        {
            "accuracy": Rule(max_loss_to_champion=0.02, max_slice_loss_to_champion=0.02, at_least=0.3 * 3),
            "style_distance": Rule(at_most=0.1 * 3, beats_trivial_by=0.3 - 0.1),
        },
        candidate={"accuracy": 0.9, "style_distance": 0.1 + 0.2},
        champion={"accuracy": 0.92, "style_distance": 0.3},
        trivials=[trivial({"accuracy": 0.1, "style_distance": 0.1 + 0.2 + 0.2})],
        slices=slices,
        blessed=True,
    )
    assert answer["approved"], answer["reasons"]
    assert answer["reasons"][1] == (
        "accuracy 0.9 is 0.02 worse than the champion's 0.92 (at most 0.02 worse is allowed)"
    )


@pytest.mark.parametrize(
    ("own", "approved", "reason"),
    [
        (right(60, 40), True, "accuracy is surely better than a trivial model's, by 0.499 or more "
                              "(95 % confidence, 100 examples)"),
        (right(1, 99), False, "accuracy is not surely better than a trivial model's (95 % confidence, 100 examples; "
                              "about 433 like these would tell)"),
        (right(0, 100), False, "accuracy is not surely better than a trivial model's (95 % confidence, 100 examples; "
                               "more like these would not help)"),
        (None, False, "accuracy could not be compared with a trivial model's example by example"),
    ],
)  # fmt: skip
def test_a_margin_over_the_trivial_baseline_must_not_be_luck(own, approved, reason):
    answer = decision({"accuracy": Rule(beats_trivial_by=0.05)}, own=own)
    assert answer["approved"] == approved
    assert reason in answer["reasons"]


def test_one_lucky_example_is_nothing_to_be_sure_of():
    answer = judged(right(1), model(right(0, 1), "guessing", blind=True))
    assert not answer["approved"]
    assert (
        "accuracy is not surely better than guessing's (95 % confidence, 1 examples; about 5 like these would tell)"
        in (answer["reasons"])
    )


def test_the_least_sure_of_the_trivial_models_is_the_one_that_counts():
    often = model(outcomes(np.repeat([0.0, 1.0], [60, 40])), "often right")
    elsewhere = model(outcomes(np.repeat([1.0, 0.0], [42, 58])), "right elsewhere")
    answer = judged(right(0, 42, 58), often, elsewhere)
    assert not answer["approved"]
    assert any("not surely better than right elsewhere's" in reason for reason in answer["reasons"])


@pytest.mark.parametrize(
    ("own", "other", "approved", "reason"),
    [
        (right(198, 2), right(196, 2, 2), True, "accuracy is at most 0.0237 worse than the champion's "
                                                "(95 % confidence, 200 examples; 0.05 worse is allowed)"),
        (right(80, 20), right(60, 20, 20), False, "accuracy is at most 0.114 worse than the champion's "
            "(95 % confidence, 100 examples; 0.05 worse is allowed; about 472 like these would tell)"),
        (right(10), right(10), False, "accuracy is at most 0.259 worse than the champion's "
            "(95 % confidence, 10 examples; 0.05 worse is allowed; about 59 like these would tell)"),
        (right(100), right(70, 30), True, "accuracy is at least 0.212 better than the champion's "
                                          "(95 % confidence, 100 examples; 0.05 worse is allowed)"),
        (right(70, 30), right(100), False, "accuracy is at most 0.384 worse than the champion's "
            "(95 % confidence, 100 examples; 0.05 worse is allowed; more like these would not help)"),
    ],
)  # fmt: skip
def test_noise_hides_no_loss_to_the_champion(own, other, approved, reason):
    rules = {"accuracy": Rule(max_probable_loss_to_champion=0.05)}
    answer = judged(own, trivial(), other=other, rules=rules)
    assert answer["approved"] == approved
    assert answer["reasons"][0] == reason


def test_what_too_few_examples_cannot_tell_comes_with_the_keys_to_change():
    policy = {"thresholds_key": "classifier.thresholds", "examples_key": "ingest.eval_fraction"}
    answer = decision(DEFAULT, own=right(10), other=right(10), champion=GOOD, policy=policy)
    assert answer["reasons"][1] == (
        "to decide by more eval examples: ingest.eval_fraction, or more images; "
        "to ask for less: classifier.thresholds.accuracy.max_probable_loss_to_champion (null asks nothing)"
    )


def test_a_model_that_more_examples_would_not_help_is_given_no_such_advice():
    answer = judged(right(5, 10), GUESS)
    assert not answer["approved"]
    assert not any(reason.startswith("to decide by more") for reason in answer["reasons"])
    assert not any(check["undecided"] for check in answer["checks"])


def test_a_champion_that_cannot_be_compared_example_by_example_promotes_nothing():
    answer = decision({"accuracy": Rule(max_probable_loss_to_champion=0.05)}, champion=GOOD)
    assert answer["reasons"][0] == "accuracy could not be compared with the champion's example by example"


def test_without_a_champion_only_the_other_rules_count():
    assert decision({"accuracy": Rule(max_loss_to_champion=0.0, max_slice_loss_to_champion=0.0)})["approved"]


def test_a_first_version_that_these_examples_cannot_tell_from_a_trivial_model_is_provisional():
    answer = judged(right(15), COLOURS, GUESS)
    assert (answer["approved"], answer["provisional"]) == (True, True)
    assert answer["reasons"][0] == (
        "provisional, a canary until it is promoted: "
        "15 eval examples cannot tell any model from colour regression's accuracy 0.933 (about 66 could)"
    )
    assert answer["notes"] == answer["reasons"][:1]
    assert any(reason.startswith("to decide by more eval examples") for reason in answer["reasons"])


def test_a_trivial_model_that_leaves_no_room_does_not_lock_everyone_out():
    answer = judged(
        right(200), model(right(194, 6), "colour regression"), model(right(50, 150), "guessing", blind=True)
    )
    assert answer["provisional"]
    assert (
        "no model could be better than colour regression's accuracy 0.97 by what is asked for (0.05)"
        in (answer["reasons"][0])
    )


def test_where_a_trivial_model_makes_no_mistake_more_examples_are_not_advised():
    answer = judged(right(15), model(right(15), "colour regression"), GUESS)
    assert answer["reasons"][0] == (
        "provisional, a canary until it is promoted: no model could be better than colour regression's accuracy 1"
    )
    assert "to ask for less: thresholds.accuracy.beats_trivial_by (null asks nothing)" in answer["reasons"]


@pytest.mark.parametrize(
    ("own", "trivials"),
    [
        (right(0, 4, 6, 5), (COLOURS, GUESS)),  # as often right as guessing, on other examples
        (right(5, 10), (COLOURS, GUESS)),  # it always gives the commonest class
        (right(8, 7), (COLOURS, GUESS)),  # three lucky ones more than guessing, colours surely better
        (right(10, 5), (COLOURS, model(right(7, 8), "the majority class", blind=True))),  # too little to be sure of
        (right(15), (COLOURS,)),  # nothing shows that it learned anything
    ],
)
def test_a_model_that_learned_nothing_is_not_even_provisional(own, trivials):
    answer = judged(own, *trivials)
    assert (answer["approved"], answer["provisional"]) == (False, False)


def test_what_a_model_could_have_shown_on_these_examples_is_no_excuse():
    colours = model(right(60, 40), "colour regression")
    answer = judged(right(62, 38), colours, model(right(20, 80), "guessing", blind=True))
    assert (answer["approved"], answer["provisional"]) == (False, False)


def test_a_broken_threshold_of_ones_own_is_not_excused():
    rules = {"accuracy": Rule(beats_trivial_by=0.05, every_slice_at_least=0.5)}
    answer = decision(
        rules, trivials=[COLOURS, GUESS], own=right(15), candidate=GOOD, slices=classes({"glass": 1.0, "trash": 0.2})
    )
    assert (answer["approved"], answer["provisional"]) == (False, False)


def test_where_a_version_serves_there_is_nothing_provisional():
    answer = judged(right(15), COLOURS, GUESS, other=right(14, 1))
    assert (answer["approved"], answer["provisional"]) == (False, False)


def test_guards_that_are_off_are_named():
    policy = {"off": ["accuracy.max_loss_to_champion"], "thresholds_key": "classifier.thresholds"}
    assert decision(policy=policy)["notes"] == ["classifier.thresholds.accuracy.max_loss_to_champion is off"]
    assert decision()["notes"] == []


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


@pytest.mark.parametrize(
    "slices", [{}, {"bucket/size": {"small": {"candidate": GOOD, "champion": GOOD, "examples": 9}}}]
)
@pytest.mark.parametrize("rule", ["every_slice_at_least", "every_slice_at_most", "max_slice_loss_to_champion"])
def test_a_rule_for_every_slice_does_not_hold_where_none_was_measured(slices, rule):
    answer = decision({"accuracy": Rule(**{rule: 1.0})}, slices=slices, champion=GOOD)
    assert not answer["approved"]
    assert answer["reasons"] == [f"no slice of accuracy was measured, and {rule} asks for all of them"]


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
    evidence = Evidence(measured(), [trivial()], blessed, failures=failures)
    answer = decide(Policy({"accuracy": Rule(at_least=0.1)}, DIRECTIONS, "accuracy"), evidence)
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


@settings(deadline=None)  # a busy machine is no fault
@given(values, values, values, bounds, bounds, bounds)
def test_the_decision_is_the_rules_and_nothing_else(value, champion, trivial_value, at_least, loss, margin):
    """Against the rule written out by hand for one metric of which more is better; nothing here is luck."""
    noise = TOLERANCE
    says = (at_least is None or value >= at_least - noise) and (loss is None or value - champion >= -loss - noise)
    expected = says and (margin is None or value - trivial_value >= margin - noise)
    rule = Rule(at_least=at_least, max_loss_to_champion=loss, beats_trivial_by=margin)
    blessed = says if at_least is not None or loss is not None else None
    answer = decide(
        Policy({"accuracy": rule}, {"accuracy": "higher"}, "accuracy"),
        Evidence(
            measured({"accuracy": value}, {"accuracy": champion}), [trivial({"accuracy": trivial_value})], blessed,
            ALL_RIGHT,
        ),
    )  # fmt: skip
    assert answer["approved"] == expected
    assert len(answer["reasons"]) == len(answer["checks"])
    json.dumps(answer, allow_nan=False)


@settings(deadline=None)
@given(values, values, values, values)
def test_a_better_candidate_is_never_refused_where_a_worse_one_is_approved(low, high, champion, trivial_value):
    low, high = sorted((low, high))
    rules = {
        "accuracy": Rule(max_loss_to_champion=0.1, beats_trivial_by=0.05, beats_trivial_times=1.5),
        "style_distance": Rule(max_loss_to_champion=0.1, beats_trivial_by=0.05, beats_trivial_times=1.5),
    }

    def approved(accuracy, distance):
        return decide(
            Policy(rules, DIRECTIONS, "accuracy"),
            Evidence(
                measured(
                    {"accuracy": accuracy, "style_distance": distance},
                    {"accuracy": champion, "style_distance": champion},
                ),
                [trivial({"accuracy": trivial_value, "style_distance": trivial_value})],
                blessed=True,
                outcomes=ALL_RIGHT,
            ),
        )["approved"]

    assert approved(high, low) >= approved(low, high)
