"""The style lane's trivial baseline: colour transfer after Reinhard et al. (2001), served like the style network."""

import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer import images
from trainer.style import export, options
from trainer.style.options import StyleImageOptions

# Section 2: RGB -> LMS (equation 4); log10; l, alpha, beta (equation 6).
_RGB_TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_LMS_TO_LAB = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
# The logarithm of black is not finite: pixels and cone responses count as one level of 255 at least.
_DARKEST = 1 / 255


def transfer(photo: tf.Tensor, painting: tf.Tensor, strength: tf.Tensor) -> tf.Tensor:
    """Gives a photo the painting's means and deviations in l-alpha-beta (Reinhard et al. 2001, section 3).

    Args:
      photo: uint8 [H, W, 3].
      painting: uint8 [h, w, 3].
      strength: float32 scalar; how far to go from the photo's statistics (0) to the painting's (1).

    Returns:
      uint8 [H, W, 3]. A channel that does not vary in the photo is moved, not scaled.
    """
    own, wanted = _to_lab(photo), _to_lab(painting)
    mean, deviation = _statistics(own)
    wanted_mean, wanted_deviation = _statistics(wanted)
    scale = tf.where(deviation > 1e-4, wanted_deviation / tf.maximum(deviation, 1e-4), 1.0)
    moved = (own - mean) * (1 + strength * (scale - 1)) + mean + strength * (wanted_mean - mean)
    return _to_rgb(moved)


class ColourTransfer(tf.Module):
    """`serving_default` of the style network, answered by `transfer`."""

    def __init__(self, chosen: StyleImageOptions):
        super().__init__(name="colour_transfer")
        self._max_side = chosen.max_side
        self._write = images.encode_png if chosen.format == "png" else images.encode_jpeg

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="content_bytes"),
            tf.TensorSpec([None], tf.string, name="style_bytes"),
            tf.TensorSpec([None], tf.float32, name="strength"),
        ]
    )
    def serve(self, content_bytes: tf.Tensor, style_bytes: tf.Tensor, strength: tf.Tensor) -> dict[str, tf.Tensor]:
        """Files of photos and paintings (string [N]), strengths float32 [N] -> `stylized_bytes` string [N]."""

        def paint(row: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
            photo, painting = (images.bound(images.decode(data), self._max_side) for data in row[:2])
            return self._write(transfer(photo, painting, row[2]))

        rows = (content_bytes, style_bytes, strength)
        return {"stylized_bytes": tf.map_fn(paint, rows, fn_output_signature=tf.TensorSpec([], tf.string))}


def run_fn(fn_args: FnArgs) -> None:
    """Writes a Model artifact that has learned nothing; from `fn_args` it needs where to, and the image options."""
    started = time.monotonic()
    chosen = options.from_config(fn_args.custom_config).image
    module = ColourTransfer(chosen)
    tf.saved_model.save(module, fn_args.serving_model_dir, {"serving_default": module.serve})
    export.write_description(
        Path(fn_args.serving_model_dir).parent,
        styles=[],
        image_size=chosen.max_side,
        training={"steps": 0, "seconds": round(time.monotonic() - started, 1), "history": {}, "weights": {}},
        parameters=0,
        demo=False,
        notes=["Colour transfer: what a style network has to beat."],
    )


def _to_lab(image: tf.Tensor) -> tf.Tensor:
    rgb = tf.maximum(tf.cast(image, tf.float32) / 255.0, _DARKEST)
    lms = tf.tensordot(rgb, tf.constant(_RGB_TO_LMS.T, tf.float32), 1)
    return tf.tensordot(tf.math.log(lms) / np.log(10), tf.constant(_LMS_TO_LAB.T, tf.float32), 1)


def _to_rgb(lab: tf.Tensor) -> tf.Tensor:
    lms = 10 ** tf.tensordot(lab, tf.constant(np.linalg.inv(_LMS_TO_LAB).T, tf.float32), 1)
    return images.to_uint8(255 * tf.tensordot(lms, tf.constant(np.linalg.inv(_RGB_TO_LMS).T, tf.float32), 1))


def _statistics(lab: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    mean, variance = tf.nn.moments(lab, (0, 1))
    return mean, tf.sqrt(variance)
