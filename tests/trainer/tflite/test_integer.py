import pytest

from trainer.tflite.convert import convert
from trainer.tflite.integer import NotInteger, with_integer_interface


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
