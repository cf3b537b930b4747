import io

import numpy as np
import pytest
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.registry import Registry
from PIL import Image

pytest.importorskip("tensorflow")

from easel_serving.local import LocalModels


@pytest.fixture
def picture(tmp_path):
    def make(name, colour):
        Image.new("RGB", (8, 8), colour).save(tmp_path / name)
        return tmp_path / name

    return make


def test_classify_answers_in_order(serving, picture):
    paths = [picture(f"{number}.{kind}", colour) for number, (kind, colour) in enumerate(
        [("png", "red"), ("webp", "blue"), ("tiff", (200, 0, 100))] * 7
    )]  # fmt: skip
    results = LocalModels(serving).classify(paths)
    assert [result["path"] for result in results] == [str(path) for path in paths]
    assert [result["label"] for result in results] == ["red", "blue", "red"] * 7
    assert results[2]["score"] == results[2]["scores"]["red"]
    np.testing.assert_allclose(results[2]["scores"]["blue"], 100 / 255, atol=1e-3)


def test_stylize_takes_files_bytes_and_names(serving, picture):
    photo, painting = picture("photo.png", "red"), picture("painting.webp", "blue")
    models = LocalModels(serving)
    content, style, strength = models.stylize(photo, painting, 0.5).split(b"|")
    assert content == photo.read_bytes()
    assert Image.open(io.BytesIO(style)).format == "PNG"
    assert float(strength) == 0.5
    assert models.stylize(photo.read_bytes(), "Great-Wave") == photo.read_bytes() + b"|Great-Wave"
    assert models.styles() == ["Great-Wave", "starry-night"]


def test_unknown_painting_offers_the_nearest(serving, picture):
    photo = picture("photo.png", "red")
    with pytest.raises(ServingError, match=r"great wave: neither a file nor a painting that painter version 1 knows; did you mean Great-Wave\?"):  # fmt: skip  # noqa: E501
        LocalModels(serving).stylize(photo, "great wave")
    with pytest.raises(ServingError, match="known are Great-Wave, starry-night"):
        LocalModels(serving).stylize(photo, "xxxxxxxxxxxx")
    with pytest.raises(ServingError, match="must be between 0 and 1"):
        LocalModels(serving).stylize(photo, "Great-Wave", 1.5)


def test_where_only_a_canary_waits_the_way_to_let_it_serve_is_named(tmp_path):
    registry = Registry(tmp_path / "serving")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"model")
    registry.push("things", tmp_path / "model", {"kind": "classifier"}, policy="provisional")
    models = LocalModels(tmp_path / "serving")
    with pytest.raises(ServingError, match=r"no classifier serves here .*`easel models promote things 1`"):
        models.version("classifier")
    with pytest.raises(ServingError, match="`easel run` pushes one"):
        models.version("style")
    with pytest.raises(ServingError, match="`easel run` pushes one"):
        models.version("classifier", "others")


def test_nothing_pushed_and_unreadable_photos(serving, picture, tmp_path):
    with pytest.raises(ServingError, match="no classifier serves here"):
        LocalModels(tmp_path / "empty").classify([picture("photo.png", "red")])
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ServingError, match=r"notes.txt: not an image"):
        LocalModels(serving).classify([tmp_path / "notes.txt"])
    with pytest.raises(ServingError, match="no classifier named other"):
        LocalModels(serving).classify([tmp_path / "notes.txt"], model="other")
