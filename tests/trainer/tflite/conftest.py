"""Two small networks with fixed-shape float signatures, as a lane saves them beside the pushed model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.tflite import isolation
from trainer.tflite.contract import Judgement, Part, Sample


def save_classifier(folder, side=32, classes=4):
    """A convolutional classifier: image -> scores."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    for channels in (8, 16):
        x = keras.layers.ReLU(max_value=6)(keras.layers.Conv2D(channels, 3, strides=2, padding="same")(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(classes, activation="softmax", kernel_initializer="normal")(x))
    module = tf.Module()
    module.model = model

    @tf.function(input_signature=[tf.TensorSpec([1, side, side, 3], tf.float32, name="image")])
    def serve(image):
        return {"scores": model(image, training=False)}

    tf.saved_model.save(module, str(folder), {"serving_default": serve})
    return folder


class StyleLike(tf.Module):
    """What style networks are made of: mirror padding, instance normalisation steered by a code, resizing."""

    def __init__(self, side, code):
        super().__init__()
        random = np.random.default_rng(0)
        shapes = {"stem": (3, 3, 3, 16), "body": (3, 3, 16, 16), "head": (3, 3, 16, 3), "affine": (code, 32)}
        self.weights = {
            name: tf.Variable(random.normal(0, 0.2, shape).astype(np.float32)) for name, shape in shapes.items()
        }
        self.side = side

    def paint(self, image, code):
        """Images [1, S, S, 3] 0..255 and code [1, D] -> stylised image."""
        w = self.weights
        x = tf.pad(image / 127.5 - 1, [[0, 0], [4, 4], [4, 4], [0, 0]], "REFLECT")
        x = tf.nn.relu6(tf.nn.conv2d(x, w["stem"], 2, "VALID"))
        x = tf.nn.conv2d(x, w["body"], 1, "SAME")
        mean = tf.reduce_mean(x, [1, 2], keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), [1, 2], keepdims=True)
        affine = (code @ w["affine"])[:, None, None]
        x = (x - mean) * tf.math.rsqrt(variance + 1e-3) * (1 + affine[..., :16]) + affine[..., 16:]
        x = tf.image.resize(tf.nn.relu6(x), [self.side, self.side])
        return tf.sigmoid(tf.nn.conv2d(x, w["head"], 1, "SAME")) * 255


def save_transformer(folder, side=64, code=8):
    """A style network: image, code -> stylized."""
    module = StyleLike(side, code)
    image = tf.TensorSpec([1, side, side, 3], tf.float32, name="image")
    codes = tf.TensorSpec([1, code], tf.float32, name="code")

    @tf.function(input_signature=[image, codes])
    def serve(image, code):
        return {"stylized": module.paint(image, code)}

    tf.saved_model.save(module, str(folder), {"serving_default": serve})
    return folder


def photo(seed, side):
    """A photo-like picture [1, S, S, 3], whole numbers that do not reach 0 or 255."""
    random = np.random.default_rng(seed)
    colour = random.uniform(60, 200, (1, 1, 1, 3))
    return np.rint(np.clip(colour + random.normal(0, 30, (1, side, side, 3)), 20, 230)).astype(np.float32)


def measure(sample, expected, got):
    """Mean squared error of the only output."""
    (name,) = expected
    return {"squared_error": float(np.mean((expected[name] - got[name]) ** 2))}


def judge(variant, measurements):
    """Never withholds."""
    return Judgement({"mse": float(np.mean([m.values["squared_error"] for m in measurements]))})


@pytest.fixture(scope="session")
def classifier(tmp_path_factory):
    """A part that takes an image and gives scores; a record is a seed."""
    saved = save_classifier(tmp_path_factory.mktemp("classifier"))
    samples = lambda records: (Sample({"image": photo(int(r), 32)}, "group") for r in records)  # noqa: E731
    return Part("classifier", saved, samples, measure, judge, ("image",), ("scores",), bias_examples=4)


@pytest.fixture(scope="session")
def transformer(tmp_path_factory):
    """A part that takes an image and a code and gives an image; a record is a seed."""
    saved = save_transformer(tmp_path_factory.mktemp("transformer"))

    def samples(records):
        for record in records:
            code = np.random.default_rng(int(record)).normal(size=(1, 8)).astype(np.float32)
            yield Sample({"image": photo(int(record), 64), "code": code}, "group")

    return Part("transformer", saved, samples, measure, judge, images=("image", "stylized"))


@pytest.fixture
def records():
    """Serialized examples of the two parts, given afresh at each call."""
    return lambda: [str(seed).encode() for seed in range(12)]


@pytest.fixture(scope="module")
def in_process():
    """Converts here instead of in a worker, which would import TensorFlow once more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(isolation, "_work", lambda jobs: (0, str(isolation.work(jobs))))
        yield
