import io

import numpy as np
import pytest
import tensorflow as tf
from easel_serving.models.saved_model import SavedModel
from PIL import Image

from components.serving_pusher import warmup

DESCRIPTION = {"styles": [{"name": "wave", "filename": "wave.jpg", "code": [0.5, -1.0]}]}


class TinyStyle(tf.Module):
    """The style model's four signatures, each of which shows what it was given."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="content_bytes"),
            tf.TensorSpec([None], tf.string, name="style_bytes"),
            tf.TensorSpec([None], tf.float32, name="strength"),
        ]
    )
    def both(self, content_bytes, style_bytes, strength):
        return {"stylized_bytes": tf.where(strength > 0.5, style_bytes, content_bytes)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="style_bytes")])
    def encode(self, style_bytes):
        return {"style_code": tf.zeros([tf.size(style_bytes), 2])}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="content_bytes"),
            tf.TensorSpec([None, 2], tf.float32, name="style_code"),
        ]
    )
    def code(self, content_bytes, style_code):
        del style_code
        return {"stylized_bytes": content_bytes}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="content_bytes"),
            tf.TensorSpec([None], tf.string, name="style_name"),
            tf.TensorSpec([None], tf.float32, name="strength"),
        ]
    )
    def named(self, content_bytes, style_name, strength):
        del style_name, strength
        return {"stylized_bytes": content_bytes}


@pytest.fixture
def loaded(tmp_path):
    module = TinyStyle()
    signatures = {
        "serving_default": module.both,
        "encode_style": module.encode,
        "stylize": module.code,
        "stylize_named": module.named,
    }
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=signatures)
    return SavedModel(tmp_path / "model")


def example(**images):
    def encoded(colour):
        buffer = io.BytesIO()
        Image.new("RGB", (32, 32), colour).save(buffer, "PNG")
        return buffer.getvalue()

    feature = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded(colour)]))
        for name, colour in images.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=feature))


def test_every_signature_gets_a_request_with_each_input(loaded):
    pictures = example(content_bytes="red", style_bytes="blue")
    logs = warmup.requests(loaded.signature_defs, "style", DESCRIPTION, [pictures])
    warmup.check(loaded, logs)
    inputs = {log.predict_log.request.model_spec.signature_name: log.predict_log.request.inputs for log in logs}
    assert {name: set(values) for name, values in inputs.items()} == {
        "serving_default": {"content_bytes", "style_bytes", "strength"},
        "encode_style": {"style_bytes"},
        "stylize": {"content_bytes", "style_code"},
        "stylize_named": {"content_bytes", "style_name", "strength"},
    }
    np.testing.assert_array_equal(tf.make_ndarray(inputs["stylize"]["style_code"]), [[0.5, -1.0]])
    assert tf.make_ndarray(inputs["stylize_named"]["style_name"]).tolist() == [b"wave"]


def test_without_examples_there_is_nothing_to_warm_up_with(loaded):
    with pytest.raises(ValueError, match="no evaluation example"):
        warmup.requests(loaded.signature_defs, "style", DESCRIPTION, [])
