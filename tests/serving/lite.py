"""Tiny networks as TFLite files, pushed beside SavedModels that nobody can read."""

import io

import pytest
from easel_serving.registry.registry import Registry
from PIL import Image

BYTES, FLOATS = {"dtype": "string", "shape": [-1]}, {"dtype": "float32", "shape": [-1]}


def network(path, function, **shapes):
    """Writes a TFLite file of a function with the signature `serving_default`."""
    tf = pytest.importorskip("tensorflow")
    module = tf.Module()
    specs = {name: tf.TensorSpec([1, *shape], tf.float32, name=name) for name, shape in shapes.items()}
    module.serve = tf.function(lambda **inputs: function(**inputs)).get_concrete_function(**specs)
    path.parent.mkdir(parents=True, exist_ok=True)
    saved = str(path.parent.parent / f"saved-{path.name}")
    tf.saved_model.save(module, saved, {"serving_default": module.serve})
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(saved).convert())


def verified(part, variant="float32", **metrics):
    return {"part": part, "variant": variant, "bytes": 1, "verdict": "ok", "metrics": metrics, "reason": ""}


def push(root, classifier="colours", style="tint", code_size=3):
    """A registry in `root/serving` with a classifier (how blue, how red) and a style network with small codes."""
    tf = pytest.importorskip("tensorflow")
    pytest.importorskip("ai_edge_litert")

    def redness(image):
        mean = tf.reduce_mean(image, (1, 2)) / 255.0
        return {"scores": tf.stack([mean[:, 2], mean[:, 0]], 1)}

    classifier_parts, style_parts = root / "classifier", root / "style"
    network(classifier_parts / "tflite/classifier.float32.tflite", redness, image=(8, 8, 3))
    network(
        style_parts / "tflite/predictor.float32.tflite",
        lambda style: {"style_code": tf.reduce_mean(style, (1, 2))[:, :code_size]},
        style=(8, 8, 3),
    )
    network(
        style_parts / "tflite/transformer.float32.tflite",
        lambda content, style_code: (
            {"stylized": 0.0 * content + style_code[:, None, None, :3]}
            if code_size >= 3
            else {"stylized": 0.0 * content + style_code[:, None, None, :1]}
        ),
        content=(32, 32, 3),
        style_code=(code_size,),
    )
    (style_parts / "styles.json").write_text(
        '[{"name": "grey", "filename": "grey.png", "code": %s}]' % ([128] * code_size)
    )
    (root / "model").mkdir()
    (root / "model/saved_model.pb").write_text("not read")
    registry = Registry(root / "serving")
    named = {"classes": {"dtype": "string", "shape": [-1, 2]}, "scores": {"dtype": "float32", "shape": [-1, 2]}}
    manifest = {
        "kind": "classifier",
        "labels": ["blue", "red"],
        "signatures": {
            "serving_default": {"inputs": {"image_bytes": BYTES}, "outputs": {**named, "label": BYTES}},
            "classify": {"inputs": {"inputs": BYTES}, "outputs": named},
        },
        # the fastest one was not copied, so the next one is used
        "tflite": [verified("classifier", latency_ms=2.0), verified("classifier", "int8", latency_ms=1.0)],
    }
    registry.push(classifier, root / "model", manifest, attachments=classifier_parts)
    painted, code = {"stylized_bytes": BYTES}, {"style_code": {"dtype": "float32", "shape": [-1, code_size]}}
    manifest = {
        "kind": "style",
        "lineage": {"configuration": {"style": {"image": {"max_side": 48, "format": "png"}}}},
        "signatures": {
            "serving_default": {
                "inputs": {"content_bytes": BYTES, "style_bytes": BYTES, "strength": FLOATS},
                "outputs": painted,
            },
            "stylize_named": {
                "inputs": {"content_bytes": BYTES, "style_name": BYTES, "strength": FLOATS},
                "outputs": painted,
            },
            "encode_style": {"inputs": {"style_bytes": BYTES}, "outputs": code},
            "stylize": {"inputs": {"content_bytes": BYTES, **code}, "outputs": painted},
        },
        "tflite": [verified("predictor"), verified("transformer")],
    }
    (root / "model/saved_model.pb").write_text("not read either")
    registry.push(style, root / "model", manifest, attachments=style_parts)
    return registry


def png(colour, size=(40, 20)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()
