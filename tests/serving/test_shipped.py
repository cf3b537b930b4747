"""The network that is in the package: it paints before anything was trained."""

import json
import shutil

import numpy as np
import pytest
from easel_serving import shipped
from easel_serving.images import arrays, prepare
from easel_serving.local import LocalModels
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.registry import Registry


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


def test_the_networks_that_enlarge_are_whole_and_small():
    found = shipped.enlargers()
    assert set(found) == {2, 4}
    assert all(path.stat().st_size <= 150_000 for path in found.values())
    rows = shipped.verified(shipped.SUPER_RESOLUTION)["tflite"]
    assert {(row["part"], row["variant"], row["verdict"]) for row in rows} == {
        (part, variant, "ok") for part in ("x2", "x4") for variant in ("float16", "int8")
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


def test_bytes_are_painted_by_name_or_file_at_the_photos_size(tmp_path):
    pytest.importorskip("ai_edge_litert")
    rng = np.random.default_rng(0)
    photo, painting = (
        arrays.encode(rng.integers(0, 256, shape, dtype=np.uint8), "png") for shape in ((50, 410, 3), (80, 60, 3))
    )
    models = LocalModels(tmp_path / "nothing", warn=lambda line: None)
    pictures = [models.stylize(photo, style) for style in ("hokusai-great-wave", painting)]
    assert [prepare.pixels(picture).shape for picture in pictures] == [(50, 410, 3)] * 2
    assert pictures[0] != pictures[1]
    assert np.array_equal(prepare.pixels(models.stylize(photo, painting, 0.0)).shape, (50, 410, 3))
    with pytest.raises(ServingError, match="did you mean hokusai-great-wave"):
        models.stylize(photo, "hokusai-grate-wave")


def test_the_server_paints_with_it_until_a_style_network_is_pushed(tmp_path, caplog):
    pytest.importorskip("ai_edge_litert")
    testclient = pytest.importorskip("starlette.testclient")
    from easel_serving.server.limits.metrics import Metrics
    from easel_serving.server.loading.core import Core
    from easel_serving.server.loading.guest import shipped_guest
    from easel_serving.server.loading.manager import Manager
    from easel_serving.server.page.convenience import Convenience
    from easel_serving.server.process.app import build

    class Other:
        def __init__(self, path):
            pass

        def close(self):
            pass

    registry = Registry(tmp_path / "serving")
    directory = shipped.Shelf(registry.root)
    manager = Manager(registry.root, Other, None, shipped_guest(directory))
    caplog.set_level("INFO")
    manager.refresh()
    assert sum("the one that ships with Easel paints" in record.message for record in caplog.records) == 1
    core = Core(manager, Metrics())
    with testclient.TestClient(build(core, Convenience.embedded(core, directory))) as client:
        assert client.get("/readyz").status_code == 200
        [model] = client.get("/easel/v1/models").json()
        assert (model["model"], model["kind"], model["labels"]) == ("shipped", "style", {"stable": model["version"]})
        assert "monet-water-lilies" in model["styles"]
        photo = arrays.encode(np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8), "png")
        given = {"style_name": "monet-water-lilies", "mix_style_name": "munch-scream", "strength": "0.8"}
        painted = client.post("/easel/v1/stylize", files={"content": ("a.png", photo)}, data=given)
        assert painted.headers["X-Easel-Model"] == "shipped"
        assert prepare.pixels(painted.content).shape == (64, 96, 3)
        # TensorFlow Serving's own API answers for it, too.
        signatures = client.get("/v1/models/shipped/metadata").json()["metadata"]["signature_def"]["signature_def"]
        assert set(signatures) == {"serving_default", "encode_style", "stylize", "stylize_named"}
        assert client.post("/easel/v1/classify", files={"image": ("a.png", photo)}).status_code == 404
        (tmp_path / "model").mkdir()
        (tmp_path / "model/saved_model.pb").write_bytes(b"graph")
        registry.push("mine", tmp_path / "model", {"kind": "style", "styles": []})
        manager.refresh()
        assert [each["model"] for each in client.get("/easel/v1/models").json()] == ["mine"]
    manager.stop()


def test_damaged_exchanged_or_of_a_newer_format_is_one_line_and_paints_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "style"
    shutil.copytree(shipped.FOLDER, folder)
    monkeypatch.setattr(shipped.version, "__defaults__", (folder,))
    told = []
    models = LocalModels(tmp_path / "nothing", warn=told.append)
    path = folder / "tflite/transformer.float32.tflite"
    whole = path.read_bytes()
    for content in (whole[:-1], (folder / "tflite/transformer.float16.tflite").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(
            ServingError, match=r"transformer\.float32\.tflite: damaged or exchanged \(.*install.*again$"
        ):
            models.engine()
    path.write_bytes(whole)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": shipped.FORMAT + 1}), encoding="utf-8")
    with pytest.raises(ServingError, match=r"manifest\.json: format 2 is newer than this easel-serving, which reads 1"):
        models.stylize(b"", "hokusai-great-wave")
    assert told == []


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
