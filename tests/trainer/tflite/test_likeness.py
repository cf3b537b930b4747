import numpy as np
import pytest

from trainer.tflite.contract import Measurement
from trainer.tflite.likeness import judge_psnr, squared_error


def test_the_worst_painting_decides():
    measured = [Measurement(name, {"squared_error": error}) for name, error in (("a", 1.0), ("a", 3.0), ("b", 650.25))]
    judgement = judge_psnr(measured, 25.0)
    assert judgement.metrics["psnr_worst"] == pytest.approx(20.0)
    assert "b" in judgement.reason
    assert judge_psnr(measured[:2], 25.0).reason == ""
    assert judge_psnr(measured[:2], 25.0).metrics["psnr"] == pytest.approx(10 * np.log10(255**2 / 2))


def test_what_is_not_finite_is_withheld():
    error = squared_error(np.zeros(3), np.array([1.0, np.nan, 2.0]))
    assert judge_psnr([Measurement("a", {"squared_error": error})], 1.0).reason


def test_values_beyond_white_are_white():
    assert squared_error(np.array([255.0]), np.array([300.0])) == 0
