"""The style lane's Model artifact: the served SavedModel, one SavedModel for each TFLite part, and `model.json`."""

import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from trainer.style.export.signatures import ServedStyle
from trainer.style.networks.networks import STYLE_SIDE

PREDICTOR, TRANSFORMER = "predictor", "transformer"
TRANSFORMER_SIDE = 384
"""Side in pixels of the photo that the TFLite transformer takes."""


def save_served(served: ServedStyle, folder: str) -> None:
    """Writes the SavedModel with the four signatures of `ServedStyle`."""
    tf.saved_model.save(served, folder, served.signatures())


def save_parts(folder: Path, transformer: keras.Model, features: keras.Model, head: keras.Model) -> None:
    """Writes `predictor` and `transformer` into `folder`, each with one signature of fixed shapes.

    `predictor`: `style` float32 [1, 256, 256, 3], 0..255 -> `style_code` float32 [1, D].
    `transformer`: `content` float32 [1, 384, 384, 3], 0..255, and `style_code` -> `stylized` like `content`.
    """
    code = tf.TensorSpec([1, head.output.shape[-1]], tf.float32, name="style_code")

    @tf.function(input_signature=[_image("style", STYLE_SIDE)], autograph=False)
    def predict(style: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"style_code": head(features(style, training=False), training=False)}

    @tf.function(input_signature=[_image("content", TRANSFORMER_SIDE), code], autograph=False)
    def paint(content: tf.Tensor, style_code: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"stylized": transformer([content, style_code], training=False)}

    for name, function, networks in ((PREDICTOR, predict, (features, head)), (TRANSFORMER, paint, (transformer,))):
        module = tf.Module()
        module.networks = networks
        tf.saved_model.save(module, str(folder / name), {"serving_default": function})


def write_description(folder: Path, **facts: Any) -> None:
    """Writes `model.json`; `facts` are what the artifact's layout asks for beside the kind."""
    (folder / "model.json").write_text(json.dumps({"kind": "style", **facts}, indent=1), encoding="utf-8")


def _image(name: str, side: int) -> tf.TensorSpec:
    return tf.TensorSpec([1, side, side, 3], tf.float32, name=name)
