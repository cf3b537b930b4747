"""The super-resolution networks as parts of the TFLite export."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from easel_serving.images import formats

from trainer.superresolution.network import REACH, Enlarger
from trainer.tflite.contract import SIGNATURE, Judgement, Measurement, Part, Sample, Tensors
from trainer.tflite.likeness import judge_psnr, squared_error
from trainer.tflite.options import PSNRBounds

SIDE = 96
"""Side in pixels of what the files enlarge; float ones may be told another."""
LEAST = PSNRBounds(float32=60.0, float16=55.0, dynamic=40.0, int8=40.0)
"""Eight bits alone are 59 dB from what they round."""


def part(factor: int, weights: Mapping[str, np.ndarray], folder: Path) -> Part:
    """Writes a SavedModel into a folder that is there, and describes it; what it is tried on are PNGs of luminances.

    `luminance` float32 [1, SIDE + 2 * REACH, SIDE + 2 * REACH, 1], 0..255 -> `enlarged`
    [1, factor * SIDE, factor * SIDE, 1].
    """
    side = SIDE + 2 * REACH
    module = tf.Module()
    module.network = Enlarger(factor, {name: tf.Variable(value) for name, value in weights.items()})

    @tf.function(input_signature=[tf.TensorSpec([1, side, side, 1], tf.float32, name="luminance")])
    def enlarge(luminance: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"enlarged": module.network(luminance)}

    name = f"x{factor}"
    tf.saved_model.save(module, str(folder / name), {SIGNATURE: enlarge})
    return Part(name, folder / name, samples, _measure, _judge, images=("luminance", "enlarged"))


def samples(records: Iterable[bytes]) -> Iterator[Sample]:
    """The upper left corner of each picture that is large enough."""
    side = SIDE + 2 * REACH
    for number, record in enumerate(records):
        luminance = np.asarray(formats.open_image(record, ["PNG"]))[:side, :side]
        if luminance.shape == (side, side):
            yield Sample({"luminance": luminance[np.newaxis, ..., np.newaxis].astype(np.float32)}, group=str(number))


def _measure(sample: Sample, expected: Tensors, got: Tensors) -> dict[str, float]:
    return {"squared_error": squared_error(np.clip(expected["enlarged"], 0, 255), got["enlarged"])}


def _judge(variant: str, measurements: Sequence[Measurement]) -> Judgement:
    return judge_psnr(measurements, getattr(LEAST, variant))
