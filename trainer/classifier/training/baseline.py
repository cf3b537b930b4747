"""The trivial baseline, softmax regression on colour statistics: what cannot beat it learned only colours."""

import time

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from scipy import optimize, special
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.classifier import options
from trainer.classifier.export import saved_model
from trainer.classifier.input import reading
from trainer.classifier.training import phases

_BINS = 4
_REGULARIZATION = 1e-3


class ColourRegression(tf.Module):
    """Class probabilities that are linear in a picture's colour statistics, before the softmax."""

    def __init__(self, kernel: np.ndarray, bias: np.ndarray):
        """Takes the kernel, float [70, K], and the bias, float [K]."""
        super().__init__(name="colour_regression")
        self._kernel, self._bias = tf.Variable(kernel, dtype=tf.float32), tf.Variable(bias, dtype=tf.float32)

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Pixels float32 [N, S, S, 3], 0..255 -> float32 [N, K]."""
        return tf.nn.softmax(colour_statistics(images) @ self._kernel + self._bias)


def run_fn(fn_args: FnArgs) -> None:
    """Fits the baseline and writes its Model artifact, with the same signatures as the classifier's.

    Raises:
        UserError: fewer than two classes.
    """
    started = time.monotonic()
    chosen = options.from_config(fn_args.custom_config)
    labels = saved_model.class_names(tft.TFTransformOutput(fn_args.transform_graph_path))
    photos = reading.read(fn_args.train_files, chosen.image_size, validation=0.0, seed=fn_args.custom_config["seed"])
    pixels = photos.part(held_out=False).batch(64).prefetch(1)
    statistics = np.concatenate([colour_statistics(tf.cast(images, tf.float32)).numpy() for images, _ in pixels])
    kernel, bias = fit_softmax_regression(statistics, photos.labels, len(labels))
    facts = {"seconds": round(time.monotonic() - started, 1), "precision": "float32"}
    saved_model.write_model(
        fn_args,
        ColourRegression(kernel, bias),
        labels,
        chosen.image_size,
        facts={"parameters": kernel.size + bias.size, "training": facts},
    )


def colour_statistics(images: tf.Tensor) -> tf.Tensor:
    """What colours a picture has, without where. The images are float32 [N, H, W, 3], 0..255.

    Returns:
        float32 [N, 70]: mean and standard deviation of each channel and the shares of 4 x 4 x 4 colours, all 0..1.
    """
    flat = tf.reshape(images, [tf.shape(images)[0], -1, 3])
    mean, variance = tf.nn.moments(flat / 255.0, axes=[1])
    bins = tf.cast(tf.clip_by_value(flat * _BINS / 256.0, 0.0, _BINS - 1.0), tf.int32)
    colours = tf.reduce_sum(bins * [_BINS**2, _BINS, 1], axis=-1)
    rows = tf.range(tf.shape(colours)[0])[:, tf.newaxis] * _BINS**3
    counts = tf.math.unsorted_segment_sum(
        tf.ones_like(colours, tf.float32), colours + rows, tf.shape(colours)[0] * _BINS**3
    )
    shares = tf.reshape(counts, [-1, _BINS**3]) / tf.cast(tf.shape(colours)[1], tf.float32)
    return tf.concat([mean, tf.sqrt(variance), shares], axis=1)


def fit_softmax_regression(features: np.ndarray, labels: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Softmax regression with every class weighing the same and an L2 penalty on standardised features, by L-BFGS.

    Features are float [N, D], labels int [N], 0..K-1.

    Returns:
        Kernel float [D, K] and bias float [K] for the features as they were given.
    """
    mean, deviation = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    inputs = np.column_stack([(features - mean) / deviation, np.ones(len(features))])
    weights = phases.class_weights(labels, classes)[labels] / len(labels)
    targets = np.eye(classes)[labels]
    penalty = np.full((inputs.shape[1], 1), _REGULARIZATION)
    penalty[-1] = 0.0

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        kernel = flat.reshape(-1, classes)
        scores = special.log_softmax(inputs @ kernel, axis=1)
        value = -np.sum(weights[:, np.newaxis] * targets * scores) + np.sum(penalty * kernel**2) / 2
        gradient = inputs.T @ (weights[:, np.newaxis] * (np.exp(scores) - targets)) + penalty * kernel
        return value, gradient.ravel()

    start = np.zeros(inputs.shape[1] * classes)
    solution = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    kernel = solution.x.reshape(-1, classes)
    scaled = kernel[:-1] / deviation[:, np.newaxis]
    return scaled, kernel[-1] - mean @ scaled
