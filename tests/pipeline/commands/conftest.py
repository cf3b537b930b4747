"""What stands for trained models, which would import TensorFlow."""

import sys
import types

import numpy as np
import pytest


class FakeModels:
    """Stands for `easel_serving.local.LocalModels`, which needs TensorFlow and a trained model."""

    def __init__(self, serving_dir):
        self.serving_dir = serving_dir

    def classify(self, paths, model=None):
        scores = {"cat": 0.75, "dog": 0.2, "cow": 0.05}
        return [{"path": str(path), "label": "cat", "score": 0.75, "scores": scores} for path in paths]

    def engine(self, model=None):
        return FakeEngine()


class FakeEngine:
    """Paints in a painting's grey, which is its code."""

    def known(self, name):
        return np.array([{"wave": 40.0, "night": 80.0}[name]])

    def part_painter(self, photo, code, strength):
        print("a flood")
        return lambda box: np.full_like(photo[box], round(code[0] * strength))


@pytest.fixture
def fake_models(monkeypatch):
    module = types.ModuleType("easel_serving.local")
    module.LocalModels = FakeModels
    monkeypatch.setitem(sys.modules, "easel_serving.local", module)
