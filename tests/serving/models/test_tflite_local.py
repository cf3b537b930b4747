"""What `easel classify` and `easel stylize` compute with: LiteRT where a version has verified float variants."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import easel_serving
import pytest
from easel_serving.local import LocalModels
from easel_serving.protocol.errors import ServingError

from tests.serving.lite import png


@pytest.fixture
def photos(tmp_path):
    for name in ("red", "blue"):
        (tmp_path / f"{name}.png").write_bytes(png(name))
    return [tmp_path / "red.png", tmp_path / "blue.png"]


def limited(pushed, root, name, keep):
    """A copy of the registry in which only some variants of a model are verified."""
    shutil.copytree(pushed.root, root)
    path = root / name / "manifests/1/manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tflite"] = [entry for entry in manifest["tflite"] if keep(entry)]
    path.write_text(json.dumps(manifest))
    return root


def test_photos_are_classified_without_the_saved_model(pushed, photos, tmp_path):
    told = []
    models = LocalModels(pushed.root, warn=told.append)
    assert [answer["label"] for answer in models.classify(photos)] == ["red", "blue"]
    assert told == []
    (tmp_path / "notes.txt").write_text("hello")
    found = list(models.classified([photos[0], tmp_path / "notes.txt", photos[1]]))
    assert [entry.get("label") for entry in found] == ["red", None, "blue"]
    assert "notes.txt: not an image" in found[1]["error"]


def test_without_a_verified_float_variant_tensorflow_has_to_load(pushed, photos, tmp_path):
    serving = limited(pushed, tmp_path / "int8", "colours", lambda entry: entry["variant"] == "int8")
    told = []
    # The SavedModel here cannot be loaded, which shows that it was tried.
    with pytest.raises(Exception, match=r"(?i)savedmodel|saved_model|parse"):
        LocalModels(serving, warn=told.append).classify(photos)
    [line] = told
    assert line.startswith("colours version 1 has no verified float32 or float16 TFLite variant of classifier")
    assert "TensorFlow computes instead" in line
    with pytest.raises(ServingError, match="no verified float32 or float16 TFLite variant"):
        LocalModels(serving, "tflite").classify(photos)
    with pytest.raises(ServingError, match="no verified float32 or float16 TFLite variant of transformer"):
        LocalModels(
            limited(pushed, tmp_path / "half", "tint", lambda entry: entry["part"] == "predictor"), "tflite"
        ).engine()


SCRIPT = """
import sys
for name in ("tensorflow", "keras", "tfx"):
    sys.modules[name] = None  # as in an environment without them
from pipeline.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("command", ["classify", "stylize"])
def test_the_commands_need_no_tensorflow(pushed, photos, tmp_path, command):
    """Nor do they import it, which alone would take longer than all they do."""
    arguments = {
        "classify": ["classify", *map(str, photos)],
        "stylize": ["stylize", "--content", str(photos[0]), "--style", "grey", "-o", str(tmp_path / "out.png")],
    }[command]
    root = Path(easel_serving.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "serving")])}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments, "--serving", str(pushed.root)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert ("red" if command == "classify" else "out.png") in done.stdout
