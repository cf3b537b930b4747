import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from trainer.tflite.convert import convert
from trainer.tflite.export import saved_model_runner
from trainer.tflite.integer import NotInteger, with_integer_interface
from trainer.tflite.run import Runner


@pytest.fixture(scope="module")
def floating(classifier):
    return convert(classifier.saved_model, "float32", lambda: [])


def test_a_float_file_is_refused(floating):
    with pytest.raises(NotInteger, match="image is not quantised"):
        with_integer_interface(floating, ["image"], [])
    with pytest.raises(NotInteger, match=r"not integer throughout: .*CONV_2D"):
        with_integer_interface(floating, [], [])


def test_a_name_that_is_not_in_the_signature_is_refused(floating):
    with pytest.raises(ValueError, match="no tensor picture in the signature, which has image, scores"):
        with_integer_interface(floating, ["picture"], [])


def test_norms_that_stay_in_floating_point_lose_less_and_pixels_are_bytes_all_the_same(transformer):
    samples = list(transformer.samples([b"1", b"2", b"3", b"4"]))
    reference = saved_model_runner(transformer)
    norm = ("MEAN", "SQUARED_DIFFERENCE", "SUB", "RSQRT", "MUL")
    errors = {}
    for floating in ((), norm):
        content = convert(
            transformer.saved_model,
            "int8",
            lambda: [sample.inputs for sample in samples],
            images=transformer.images,
            float_operations=floating,
        )
        runner = Runner(content, threads=1)
        signature = Interpreter(model_content=content).get_signature_runner()
        details = {**signature.get_input_details(), **signature.get_output_details()}
        types = {name: detail["dtype"] for name, detail in details.items()}
        assert types == {"image": np.uint8, "code": np.float32, "stylized": np.uint8}
        errors[floating] = np.mean(
            [(runner(s.inputs)["stylized"] - reference(s.inputs)["stylized"]) ** 2 for s in samples]
        )
    assert errors[norm] < errors[()]
