import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from trainer.classifier.export import tflite
from trainer.tflite.contract import Part, Sample
from trainer.tflite.export import export
from trainer.tflite.options import TFLiteOptions

SIDE = 96


@pytest.fixture
def photos(assets):
    return sorted((assets / "photos/trashnet").glob("*/*.jpg"))[::160]


@pytest.fixture
def part(assets, photos, tmp_path):
    """MobileNetV2 with real weights; each of a few photos is its own class, recognised by its features."""
    weights = assets / "weights/mobilenet_v2_1.0_224_notop_dequant_qat.h5"
    base = keras.applications.MobileNetV2((SIDE, SIDE, 3), include_top=False, weights=str(weights), pooling="avg")
    pixels = [np.asarray(Image.open(path).resize((SIDE, SIDE)), np.float32)[None] for path in photos]
    features = np.concatenate([base(image / 127.5 - 1).numpy() for image in pixels])
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    module = tf.Module()
    module.base = base

    @tf.function(input_signature=[tf.TensorSpec([1, SIDE, SIDE, 3], tf.float32, name="image")])
    def serve(image):
        found = tf.math.l2_normalize(module.base(image / 127.5 - 1, training=False), axis=1)
        return {"scores": tf.nn.softmax(10 * tf.matmul(found, tf.constant(features.T)))}

    tf.saved_model.save(module, str(tmp_path / "saved"), {"serving_default": serve})
    labels = [path.name for path in photos]
    return Part(
        name="classifier",
        saved_model=tmp_path / "saved",
        samples=lambda records: (Sample({"image": pixels[int(r)]}, labels[int(r)]) for r in records),
        measure=lambda s, e, g: tflite.compare(s.group, labels, e["scores"][0], g["scores"][0]),
        judge=lambda variant, rows: tflite.judge_accuracy(rows, max_drop=0.01),
        images=("image",),
        quantised=("scores",),
        bias_examples=4,
    )


@pytest.mark.assets
@pytest.mark.usefixtures("in_process")
def test_a_real_network_recognises_real_photos_in_float_and_in_integers(part, photos):
    records = lambda: [str(index).encode() for index in range(len(photos))]  # noqa: E731
    for made in export([part], TFLiteOptions(variants=["float32", "int8"]), records, records):
        assert made.verdict == "ok", made
        assert made.metrics["accuracy"] >= 1 - 1 / len(photos)
