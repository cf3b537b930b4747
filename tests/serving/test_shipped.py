"""The network that is in the package: it paints before anything was trained."""

import json

import numpy as np
import pytest
from easel_serving import shipped
from easel_serving.local import LocalModels
from easel_serving.protocol.errors import ServingError


def test_what_is_in_the_package_is_whole_small_and_has_a_bank():
    version = shipped.version()
    assert shipped.weights().stat().st_size <= 2_000_000
    assert len(version.styles) >= 60
    assert {"hokusai-great-wave", "monet-water-lilies"} <= set(version.styles)
    assert all(np.isfinite(code).all() for code in version.codes.values())
    rows = version.manifest["tflite"]
    assert {(row["part"], row["variant"], row["verdict"]) for row in rows} == {
        (part, variant, "ok")
        for part in ("predictor", "transformer")
        for variant in ("float32", "float16", "dynamic", "int8")
    }


def test_before_anything_was_pushed_it_paints_and_says_so(tmp_path):
    pytest.importorskip("ai_edge_litert")
    painter = pytest.importorskip("easel_serving.painting.painter")
    from easel_serving.painting import styles

    told = []
    engine = LocalModels(tmp_path / "nothing", warn=told.append).engine()
    assert len(told) == 1
    assert "the one that ships with Easel paints" in told[0]
    photo = np.random.default_rng(0).integers(0, 256, (72, 100, 3), dtype=np.uint8)
    pictures = []
    for name in ("hokusai-great-wave", "van-gogh-starry-night"):
        layer = painter.Layer(styles.code(engine, [styles.parse(name)]))
        *_, picture = painter.paint(engine, photo, [layer])
        assert picture.shape == photo.shape
        pictures.append(picture.astype(float))
    assert np.abs(pictures[0] - pictures[1]).mean() > 5
    with pytest.raises(ServingError, match="did you mean hokusai-great-wave"):
        engine.known("hokusai-grate-wave")
    assert not (tmp_path / "nothing").exists()


def test_what_was_pushed_and_does_not_serve_is_missed_not_replaced(tmp_path):
    manifests = tmp_path / "paintings/manifests/1"
    manifests.mkdir(parents=True)
    (manifests / "manifest.json").write_text(json.dumps({"kind": "style"}), encoding="utf-8")
    with pytest.raises(ServingError, match="no style serves here"):
        LocalModels(tmp_path).engine()


def test_it_has_no_saved_model_and_no_classifier_ships(tmp_path):
    models = LocalModels(tmp_path, "tensorflow", warn=lambda line: None)
    with pytest.raises(ServingError, match="leave --runtime out"):
        models.engine()
    with pytest.raises(ServingError, match=r"no classifier serves here.*`easel run` pushes one"):
        models.classify([tmp_path / "photo.jpg"])
    with pytest.raises(ServingError, match="no style named other"):
        models.engine("other")
