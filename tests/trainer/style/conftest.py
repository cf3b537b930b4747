"""A tiny style network, built once, and images as files."""

import io
import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from trainer.style.export.signatures import ServedStyle
from trainer.style.networks import networks
from trainer.style.options import NetworkOptions, StyleImageOptions

OPTIONS = {
    "perceptual": {"weights": "none"},
    "encoder": {"weights": "none"},
    "network": {"channels": 8, "blocks": 1, "code_size": 8},
    "image": {"train_side": 40, "max_side": 96, "format": "png"},
    "train": {"steps": 2, "reproduction_steps": 1, "batch_size": 2, "crop": 32, "photo_crops": 4, "painting_crops": 1},
}


def png(pixels: np.ndarray) -> bytes:
    """uint8 [H, W, 3] as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pixels(data: bytes) -> np.ndarray:
    """A file's image, uint8 [H, W, 3]."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def tiny() -> types.SimpleNamespace:
    """`transformer`, `features` and `head`, with random weights."""
    keras.utils.set_random_seed(3)
    options = NetworkOptions(**OPTIONS["network"])
    features = networks.style_features("none")
    return types.SimpleNamespace(
        options=options,
        transformer=networks.transformer(options),
        features=features,
        head=networks.code_head(features.output.shape[-1], options),
    )


@pytest.fixture(scope="session")
def served(tiny) -> ServedStyle:
    """Knows the paintings `sea` and `field`, returns PNG files."""
    bank = {"sea": np.linspace(-2, 2, 8), "field": np.ones(8)}
    options = StyleImageOptions(**OPTIONS["image"])
    return ServedStyle(tiny.transformer, tiny.features, tiny.head, bank, options)


def transformed(path, names) -> str:
    """Writes images as Transform does, one of each name; the file."""
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for index, name in enumerate(names):
            image = tf.io.serialize_tensor(tf.constant(noise(40, 40, index))).numpy()
            features = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for key, value in {"image": image, "name": name.encode()}.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return str(path)


@pytest.fixture(scope="session")
def fn_args(tmp_path_factory) -> types.SimpleNamespace:
    """What StyleTrainer gives `run_fn`: four photos, two paintings and one that is held out."""
    folder = tmp_path_factory.mktemp("style")
    return types.SimpleNamespace(
        train_files=[transformed(folder / "photos.gz", ["a", "b", "c", "d"])],
        eval_files=[],
        serving_model_dir=str(folder / "model" / "Format-Serving"),
        model_run_dir=str(folder / "run"),
        custom_config={
            "options": json.loads(json.dumps(OPTIONS)),
            "seed": 1,
            "paintings_files": [transformed(folder / "paintings.gz", ["sea", "field"])],
            "paintings_eval_files": [transformed(folder / "held_out.gz", ["wood"])],
            "resume_dir": str(folder / "resume"),
        },
    )
