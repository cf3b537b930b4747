"""The style lane's trivial baseline: colour transfer after Reinhard et al. (2001), served like the style network."""

import time
from pathlib import Path

import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.images import decoding, encoding, resizing
from trainer.style import options
from trainer.style.export import saved_model
from trainer.style.input import colours
from trainer.style.options import StyleImageOptions


class ColourTransfer(tf.Module):
    """`serving_default` of the style network, answered by `colours.transfer`."""

    def __init__(self, chosen: StyleImageOptions):
        super().__init__(name="colour_transfer")
        self._max_side = chosen.max_side
        self._write = encoding.encode_png if chosen.format == "png" else encoding.encode_jpeg

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
            photo, painting = (resizing.bound(decoding.decode(data), self._max_side) for data in row[:2])
            return self._write(colours.transfer(photo, painting, row[2]))

        rows = (content_bytes, style_bytes, strength)
        return {"stylized_bytes": tf.map_fn(paint, rows, fn_output_signature=tf.TensorSpec([], tf.string))}


def run_fn(fn_args: FnArgs) -> None:
    """Writes a Model artifact that has learned nothing; from `fn_args` it needs where to, and the image options."""
    started = time.monotonic()
    chosen = options.from_config(fn_args.custom_config).image
    module = ColourTransfer(chosen)
    tf.saved_model.save(module, fn_args.serving_model_dir, {"serving_default": module.serve})
    saved_model.write_description(
        Path(fn_args.serving_model_dir).parent,
        styles=[],
        image_size=chosen.max_side,
        training={"steps": 0, "seconds": round(time.monotonic() - started, 1), "history": {}, "weights": {}},
        parameters=0,
        demo=False,
        notes=["Colour transfer: what a style network has to beat."],
    )
