"""What stands for trained models, which would import TensorFlow."""

import numpy as np
import pytest


class FakeModels:
    """Stands for `easel_serving.local.LocalModels`, which needs a trained model."""

    def __init__(self, serving_dir, runtime="auto", warn=None):
        self.runtime, self.warn = runtime, warn

    def classified(self, paths, model=None):
        for path in paths:
            if "stop" in path.name:
                raise KeyboardInterrupt
            if self.runtime == "auto" and "slow" in path.name:
                self.warn("no variant; TensorFlow computes instead")
            if path.suffix == ".txt":
                yield {"path": str(path), "error": f"{path}: not an image"}
            else:
                scores = {"cat": 0.75, "dog": 0.2, "cow": 0.05}
                yield {"path": str(path), "label": "cat", "score": 0.75, "scores": scores}

    def engine(self, model=None):
        return FakeEngine()


class FakeEngine:
    """Paints in a painting's grey, which is its code."""

    def known(self, name):
        if name not in ("wave", "night"):
            from easel_serving.protocol.errors import ServingError

            raise ServingError(f"{name}: neither a file nor a painting")
        return np.array([{"wave": 40.0, "night": 80.0}[name]])

    def encode(self, painting):
        return np.array([painting.mean()])

    def part_painter(self, photo, code, strength):
        print("a flood")
        return lambda box: np.full_like(photo[box], round(code[0] * strength))


@pytest.fixture
def fake_models(monkeypatch):
    monkeypatch.setattr("easel_serving.local.LocalModels", FakeModels)
