import dataclasses

import numpy as np
import pytest

from trainer.tflite.contract import Judgement
from trainer.tflite.export import export, saved_model_runner
from trainer.tflite.options import TFLiteOptions
from trainer.tflite.run import Runner

pytestmark = pytest.mark.usefixtures("in_process")


def by_variant(made):
    return {item.variant: item for item in made}


def types(content, kind):
    run = Runner(content, 1)._run
    details = run.get_input_details() if kind == "inputs" else run.get_output_details()
    return {name: (each["dtype"], each["quantization"]) for name, each in details.items()}


@pytest.fixture(scope="module")
def scored(classifier, in_process):
    seeds = lambda: [str(seed).encode() for seed in range(12)]  # noqa: E731
    return by_variant(export([classifier], TFLiteOptions(threads=1), seeds, seeds))


@pytest.fixture(scope="module")
def painted(transformer, in_process):
    seeds = lambda: [str(seed).encode() for seed in range(12)]  # noqa: E731
    return by_variant(export([transformer], TFLiteOptions(threads=1), seeds, seeds))


def test_all_variants_of_a_classifier_score_as_the_saved_model_does(scored):
    assert list(scored) == ["float32", "float16", "dynamic", "int8"]
    assert {item.verdict for item in scored.values()} == {"ok"}
    errors = {variant: item.metrics["mse"] for variant, item in scored.items()}
    assert errors["float32"] < 1e-12
    assert errors["float16"] < 1e-6
    assert max(errors["dynamic"], errors["int8"]) < 1e-3
    assert all(item.metrics["examples"] == 12 and item.metrics["latency_ms"] > 0 for item in scored.values())


def test_smaller_variants_are_smaller(painted):
    sizes = {variant: len(item.content) for variant, item in painted.items()}
    assert sizes["float32"] > sizes["float16"] > sizes["dynamic"]
    assert sizes["int8"] < sizes["float16"]


@pytest.mark.parametrize(("variant", "psnr"), [("float32", 60), ("float16", 50), ("dynamic", 35), ("int8", 25)])
def test_pictures_survive_instance_norm_and_mirror_padding(painted, variant, psnr):
    assert painted[variant].verdict == "ok"
    assert 10 * np.log10(255**2 / painted[variant].metrics["mse"]) > psnr


def test_int8_takes_pixels_and_gives_pixels_as_they_are_beside_a_float_code(painted):
    pixels = (np.uint8, (1.0, 0))
    assert types(painted["int8"].content, "inputs") == {"image": pixels, "code": (np.float32, (0.0, 0))}
    assert types(painted["int8"].content, "outputs") == {"stylized": pixels}


def test_int8_scores_are_uint8_with_their_own_scale(scored):
    assert types(scored["int8"].content, "inputs") == {"image": (np.uint8, (1.0, 0))}
    assert types(scored["int8"].content, "outputs") == {"scores": (np.uint8, (1 / 256, 0))}


def test_other_variants_keep_the_float_signature(scored):
    for variant in ("float32", "float16", "dynamic"):
        assert types(scored[variant].content, "inputs") == {"image": (np.float32, (0.0, 0))}


def test_a_variant_outside_its_tolerance_is_withheld_with_its_figures(classifier, records):
    strict = dataclasses.replace(classifier, judge=lambda variant, rows: Judgement({"mse": 1.0}, "too far off"))
    (made,) = export([strict], TFLiteOptions(variants=["float32"]), records, records)
    assert (made.verdict, made.reason, made.metrics["mse"]) == ("withheld", "too far off", 1.0)


def test_one_variant_that_cannot_be_converted_does_not_take_the_others_with_it(classifier, records):
    made = by_variant(export([classifier], TFLiteOptions(variants=["float32", "int8"]), lambda: [], records))
    assert made["float32"].verdict == "ok"
    assert made["int8"].verdict == "withheld"
    assert made["int8"].reason.startswith("could not be converted: ")


def test_nothing_to_verify_on_is_an_error(classifier, records):
    with pytest.raises(ValueError, match="no held-out example to verify classifier on"):
        list(export([classifier], TFLiteOptions(variants=["float32"]), records, list))


def test_the_reference_is_the_saved_model(classifier):
    (sample,) = classifier.samples([b"1"])
    assert saved_model_runner(classifier)(sample.inputs)["scores"].sum() == pytest.approx(1)
