"""Makes every variant of a part, runs it on held-out examples beside the SavedModel, and has the lane judge it."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import tensorflow as tf

from trainer.tflite.convert import SIGNATURE, convert
from trainer.tflite.options import TFLiteOptions, Variant
from trainer.tflite.parts import Measurement, Part, Tensors
from trainer.tflite.run import Runner

LOGGER = logging.getLogger(__name__)

Records = Callable[[], Iterable[bytes]]
"""Gives serialized tf.Examples, afresh at each call."""


@dataclass
class Made:
    """One variant: its content (None when it could not be made) and what is known of it."""

    part: str
    variant: Variant
    content: bytes | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    reason: str = ""

    @property
    def verdict(self) -> str:
        """`ok`, or `withheld` when there is a reason against it."""
        return "withheld" if self.reason else "ok"


def export_part(part: Part, options: TFLiteOptions, calibration: Records, held_out: Records) -> list[Made]:
    """Converts and verifies the variants that `options` asks for.

    A variant that cannot be converted, loaded or run is withheld with the reason, as one is that the lane judges to be
    outside its tolerance; the others are not affected.

    Args:
      part: of a lane.
      options: the lane's.
      calibration: what int8's ranges are found on.
      held_out: what every variant is verified on.

    Raises:
      ValueError: there is no held-out example.
    """
    made = [_converted(part, variant, calibration) for variant in options.variants]
    runners = {item.variant: runner for item in made if (runner := _loaded(item, options.threads))}
    measurements: dict[str, list[Measurement]] = {variant: [] for variant in runners}
    reference = saved_model_runner(part)
    examples = 0
    for sample in part.samples(held_out()):
        examples += 1
        expected = reference(sample.inputs)
        for item in made:
            if item.reason:
                continue
            try:
                got = runners[item.variant](sample.inputs)
                measurements[item.variant].append(Measurement(sample.group, part.measure(sample, expected, got)))
            except RuntimeError as error:
                item.reason = _reason("could not be run", error)
    if not examples:
        raise ValueError(f"no held-out example to verify {part.name} on")
    for item in made:
        if not item.reason:
            judgement = part.judge(item.variant, measurements[item.variant])
            latency = 1000 * median(runners[item.variant].seconds)
            item.metrics = {**judgement.metrics, "latency_ms": latency, "examples": examples}
            item.reason = judgement.reason
    return made


def saved_model_runner(part: Part) -> Callable[[Tensors], dict[str, np.ndarray]]:
    """The part's SavedModel as a function of NumPy arrays: the reference of every variant."""
    model = tf.saved_model.load(str(part.saved_model))
    signature = model.signatures[SIGNATURE]

    def run(inputs: Tensors, _keep_alive: object = model) -> dict[str, np.ndarray]:
        outputs = signature(**{name: tf.constant(value, tf.float32) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return run


def _converted(part: Part, variant: Variant, calibration: Records) -> Made:
    made = Made(part.name, variant)

    def representative() -> Iterator[Tensors]:
        return (sample.inputs for sample in part.samples(calibration()))

    try:
        made.content = convert(part.saved_model, variant, representative, images=part.images, quantised=part.quantised)
    except Exception as error:  # the converter raises anything, from ValueError to its own ConverterError
        made.reason = _reason("could not be converted", error)
    return made


def _loaded(made: Made, threads: int) -> Runner | None:
    if made.content is None:
        return None
    try:
        return Runner(made.content, threads)
    except (ValueError, RuntimeError) as error:
        made.reason = _reason("could not be loaded", error)
        return None


def _reason(what: str, error: Exception) -> str:
    LOGGER.warning("TFLite variant %s", what, exc_info=error)
    lines = str(error).strip().splitlines()
    return f"{what}: {lines[0] if lines else type(error).__name__}"
