"""`easel_serving.painting` with a network of ours, by TensorFlow and by LiteRT: any size, and no seams."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf
from easel_serving.painting import painter, tiles
from easel_serving.painting.lite import LiteEngine
from easel_serving.painting.saved_model import LocalEngine
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import Version

from tests.trainer.style.conftest import noise
from trainer.style.export.saved_model import save_parts
from trainer.tflite.convert import convert

CODE = np.linspace(-2, 2, 8).astype(np.float32)


@pytest.fixture(scope="module")
def full(served, tmp_path_factory):
    folder = tmp_path_factory.mktemp("painting") / "model"
    tf.saved_model.save(served, str(folder), {"encode_style": served.encode_style})
    return LocalEngine(folder, {"sea": CODE.tolist()}, "tiny version 1")


@pytest.fixture(scope="module")
def version(tiny, tmp_path_factory):
    """A version with a float16 transformer, a float32 predictor, and a faster int8 one that is none."""
    folder = tmp_path_factory.mktemp("lite")
    (folder / "tflite").mkdir()
    save_parts(folder / "parts", tiny.transformer, tiny.features, tiny.head)
    entries = []
    for part, variant in (("predictor", "float32"), ("transformer", "float16")):
        content = convert(folder / "parts" / part, variant, lambda: [])
        (folder / "tflite" / f"{part}.{variant}.tflite").write_bytes(content)
        entries.append({"part": part, "variant": variant, "verdict": "ok", "metrics": {"latency_ms": 9}})
    entries.append({"part": "predictor", "variant": "int8", "verdict": "ok", "metrics": {"latency_ms": 1}})
    (folder / "tflite" / "predictor.int8.tflite").write_text("not asked for")
    (folder / "styles.json").write_text(json.dumps([{"name": "sea", "code": CODE.tolist()}]))
    return Version("tiny", 1, folder, folder, {"kind": "style", "tflite": entries}, ("stable",))


@pytest.fixture(scope="module", params=["tensorflow", "litert"])
def engine(request, full, version):
    return full if request.param == "tensorflow" else LiteEngine(version)


@pytest.mark.parametrize(
    "photo",
    [
        noise(8, 8),
        noise(1, 700),
        np.full((33, 70, 3), 90, np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.full((64, 66, 3), 255, np.uint8),
    ],
)
@pytest.mark.parametrize("strength", [0.2, 1.0])
def test_small_narrow_and_uniform_photos_are_painted(engine, photo, strength):
    [picture] = [made for made in painter.paint(engine, photo, [painter.Layer(CODE)], painter.Finish(strength))][-1:]
    assert picture.shape == photo.shape
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("shape", [(90, 1000), (1000, 90), (64, 1537)])
def test_tiles_have_no_seams(engine, served, shape):
    photo = noise(*shape, 7)
    whole = np.pad(photo, [*((0, -size % 4) for size in shape), (0, 0)], mode="symmetric")
    statistics = served.measure(whole, CODE)["statistics"]
    expected = served.paint_part(whole, CODE, statistics).numpy()[: shape[0], : shape[1]]
    assert len(list(tiles.boxes(*shape))) > 1
    picture = tiles.assembled(engine.part_painter(photo, CODE, 1.0), *shape)
    np.testing.assert_allclose(picture, expected, atol=1)


def test_litert_paints_what_tensorflow_paints(full, version):
    lite = LiteEngine(version)
    # Smooth, as photos are: decoding and resizing round otherwise in each.
    photo, painting = (cv2.resize(noise(9, 12, seed), (230, 170)) for seed in (1, 2))
    codes = [each.encode(painting) for each in (full, lite)]
    np.testing.assert_allclose(*codes, atol=0.05)
    mask = np.zeros((170, 230), np.uint8)
    mask[:, :100] = 255
    for wishes in (painter.Finish(), painter.Finish(0.4, True, 512, 3.0, 0.5)):
        layers = [painter.Layer(codes[0]), painter.Layer(full.known("sea"), mask)]
        pictures = [list(painter.paint(each, photo, layers, wishes))[-1].astype(float) for each in (full, lite)]
        assert 10 * np.log10(255**2 / max(1e-9, np.mean((pictures[0] - pictures[1]) ** 2))) > 40


def test_a_painting_in_its_own_style_and_uniform_paintings_have_finite_codes(engine):
    for painting in (noise(8, 8), np.zeros((50, 20, 3), np.uint8), np.full((300, 9, 3), 255, np.uint8)):
        assert np.isfinite(engine.encode(painting)).all()


def test_unknown_names_and_old_versions_are_one_line(engine, tmp_path):
    with pytest.raises(ServingError, match=r"Sae: neither a file nor .* tiny version 1 knows; did you mean sea\?"):
        engine.known("Sae")
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(ServingError, match="old version 3 only paints whole pictures"):
        LocalEngine(tmp_path, {}, "old version 3")


def test_files_that_are_no_such_network_are_one_line(version, tmp_path):
    (tmp_path / "tflite").mkdir()
    other = Version("tiny", 1, tmp_path, tmp_path, version.manifest, ())
    with pytest.raises(ServingError, match="tiny version 1 has no verified float32 or float16 TFLite variant of pred"):
        LiteEngine(other)
    for entry in version.manifest["tflite"]:
        name = f"{entry['part']}.{entry['variant']}.tflite"
        for content in (b"", b"damaged" * 9, Path(version.path, "tflite/predictor.float32.tflite").read_bytes()):
            (tmp_path / "tflite" / name).write_bytes(content)
    with pytest.raises(ServingError, match=r"transformer\.float16\.tflite: LiteRT cannot use it"):
        LiteEngine(other)
