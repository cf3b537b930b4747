"""The TFLite runtime on tiny networks: the SavedModel's signatures without the SavedModel."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import easel_serving
import numpy as np
import pytest
from easel_serving.protocol.status import StatusError
from easel_serving.registry.registry import Registry
from easel_serving.server.limits.batching import Limits
from PIL import Image

pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")

from easel_serving.server.loading.tflite_servable import TFLiteServable

from tests.serving.lite import png, verified


@pytest.fixture(scope="module")
def tint(pushed):
    servable = TFLiteServable(pushed.stable("tint").path, Limits())
    yield servable
    servable.close()


def column(*values):
    tensor = np.empty(len(values), object)
    tensor[:] = values
    return tensor


def colour(data):
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    assert (pixels == pixels[0, 0]).all()
    return pixels.shape, pixels[0, 0].tolist()


def test_strength_goes_from_the_photo_to_the_painting(tint):
    strengths = [0.0, 0.125, 0.5, 1.0]
    answer = tint.run(
        "serving_default",
        {
            "content_bytes": column(*[png((200, 0, 0))] * 4),
            "style_bytes": column(*[png((0, 100, 0))] * 4),
            "strength": np.float32(strengths),
        },
    )
    # at 0.125 the code is (175, 12.5, 0), and half of the photo is faded in
    expected = [[200, 0, 0], [188, 6, 0], [100, 50, 0], [0, 100, 0]]
    assert [colour(data) for data in answer["stylized_bytes"]] == [((20, 40, 3), rgb) for rgb in expected]


def test_names_and_codes(tint):
    photos = column(png("red", (96, 24)))
    named = tint.run("stylize_named", {"content_bytes": photos, "style_name": column(b"grey"), "strength": np.ones(1)})
    assert colour(named["stylized_bytes"][0]) == ((12, 48, 3), [128, 128, 128])
    code = tint.run("encode_style", {"style_bytes": column(png((10, 20, 30)))})["style_code"]
    np.testing.assert_allclose(code, [[10, 20, 30]], atol=0.01)
    painted = tint.run("stylize", {"content_bytes": photos, "style_code": code})
    assert colour(painted["stylized_bytes"][0])[1] == [10, 20, 30]


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("encode_style", {"style_bytes": column(b"hello")}, "not an image in a known format"),
        ("encode_style", {"style_bytes": np.array(b"x", object)}, "same number of rows"),
        ("stylize", {"content_bytes": column(png("red")), "style_code": np.ones((1, 2))}, "3 numbers are expected"),
        ("stylize", {"content_bytes": column(png("red")), "style_code": np.full((1, 3), np.nan)}, "not finite"),
        (
            "stylize_named",
            {"content_bytes": column(png("red")), "style_name": column(b"x"), "strength": np.ones(1)},
            "no painting is called x; the paintings are: grey",
        ),
        (
            "stylize_named",
            {"content_bytes": column(png("red")), "style_name": column(b"grey"), "strength": np.full(1, 1.5)},
            "strength: not a number in 0..1",
        ),
    ],
)
def test_mistakes_are_named(tint, signature, inputs, message):
    with pytest.raises(StatusError, match=message) as error:
        tint.run(signature, inputs)
    assert error.value.code == "INVALID_ARGUMENT"


def test_a_version_without_verified_variants_is_not_loaded(pushed, tmp_path):
    registry = Registry(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/saved_model.pb").write_text("x")
    withheld = {**verified("classifier"), "verdict": "withheld"}
    manifest = {"kind": "classifier", "labels": ["a"], "signatures": {}, "tflite": [withheld]}
    version = registry.push("colours", tmp_path / "model", manifest).version
    with pytest.raises(easel_serving.protocol.errors.ServingError, match="no verified TFLite variant of classifier"):
        TFLiteServable(version.path, Limits())


SCRIPT = """
import base64, json, sys
for name in ("tensorflow", "tensorflow_serving", "grpc"):
    sys.modules[name] = None  # as in an environment without them
from pathlib import Path
from starlette.testclient import TestClient
from easel_serving.registry.directory import Directory
from easel_serving.server.process import app, run
from easel_serving.server.limits import batching, metrics
from easel_serving.server.page import convenience
from easel_serving.server.loading import core, manager
root, photo = Path(sys.argv[1]), base64.b64encode(Path(sys.argv[2]).read_bytes()).decode()
servable = run._servable("tflite")
versions = manager.Manager(root, lambda path: servable(path, batching.Limits()))
versions.refresh()
served = core.Core(versions, metrics.Metrics())
calls = convenience.Convenience.embedded(served, Directory(root))
client = TestClient(app.build(served, calls))
model = "/v1/models/colours"
calls = [
    client.get("/readyz").text,
    client.get(f"{model}/metadata").json()["metadata"]["signature_def"]["signature_def"]["classify"]["inputs"],
    client.post(f"{model}:predict", json={"instances": [{"b64": photo}]}).json(),
    client.post(f"{model}:classify", json={"signature_name": "classify",
                                           "examples": [{"image/encoded": {"b64": photo}}]}).json(),
    client.post("/easel/v1/classify", files={"image": ("a.png", base64.b64decode(photo))}).json()[0]["label"],
    client.post(f"{model}:classify", json={"examples": [{"x": 1}]}).json(),
]
print(json.dumps(calls))
versions.stop()
"""


def test_the_same_api_without_tensorflow(pushed, tmp_path):
    (tmp_path / "red.png").write_bytes(png("red"))
    environment = {**os.environ, "PYTHONPATH": str(Path(easel_serving.__file__).parent.parent)}
    command = [sys.executable, "-c", SCRIPT, str(pushed.root), str(tmp_path / "red.png")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    ready, metadata, predicted, classified, label, refused = json.loads(done.stdout)
    assert ready == "ready\n"
    assert metadata["inputs"]["dtype"] == "DT_STRING"
    assert predicted == {"predictions": [{"classes": ["blue", "red"], "scores": [0.0, 1.0], "label": "red"}]}
    assert classified == {"results": [[["blue", 0.0], ["red", 1.0]]]}
    assert label == "red"
    assert "Expected" in refused["error"]
