import numpy as np
from easel_serving.models.tflite.quantisation import dequantise, quantise
from hypothesis import given
from hypothesis import strategies as st

UINT8 = {"dtype": np.uint8, "quantization": (0.5, 10)}


def test_values_beyond_the_type_are_clipped_not_wrapped():
    np.testing.assert_array_equal(quantise(np.array([-1e6, -5.0, 0.3, 1e6]), UINT8), [0, 0, 11, 255])


def test_float_tensors_pass_as_they_are():
    details = {"dtype": np.float32, "quantization": (0.0, 0)}
    values = np.array([1.5, -2.25], np.float32)
    np.testing.assert_array_equal(dequantise(quantise(values, details), details), values)


@given(st.floats(-5, 122.5))
def test_the_way_back_is_within_half_a_step(value):
    values = np.array([value], np.float32)
    assert abs(dequantise(quantise(values, UINT8), UINT8)[0] - values[0]) <= 0.25 + 1e-5
