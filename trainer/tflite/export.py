"""Makes every variant of a part, runs it on held-out examples beside the SavedModel, and has the lane judge it."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import tensorflow as tf

from trainer.tflite import isolation
from trainer.tflite.contract import SIGNATURE, Measurement, Part, Tensors
from trainer.tflite.options import TFLiteOptions, Variant
from trainer.tflite.run import Runner

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


def export(parts: Sequence[Part], options: TFLiteOptions, calibration: Records, held_out: Records) -> Iterator[Made]:
    """Converts and verifies the variants of `parts` that `options` asks for, and yields them as their verdict is known.

    A variant that cannot be converted, loaded or run is withheld with the reason, as one is that the lane judges to be
    outside its tolerance; the others are not affected. int8's ranges are found on `calibration`, every variant is
    verified on `held_out`.

    Raises:
        ValueError: there is no held-out example.
    """
    converted = _converted(parts, options, calibration)
    for part in parts:
        made = [item for item in converted if item.part == part.name]
        for item in made:
            item.content = item.content and part.finish(item.content)
        _verify(part, made, options.threads, held_out)
        yield from made


def saved_model_runner(part: Part) -> Callable[[Tensors], dict[str, np.ndarray]]:
    """The part's SavedModel as a function of NumPy arrays: the reference of every variant."""
    model = tf.saved_model.load(str(part.saved_model))
    signature = model.signatures[SIGNATURE]

    def run(inputs: Tensors, _keep_alive: object = model) -> dict[str, np.ndarray]:
        outputs = signature(**{name: tf.constant(value, tf.float32) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return run


def _converted(parts: Sequence[Part], options: TFLiteOptions, calibration: Records) -> list[Made]:
    with tempfile.TemporaryDirectory() as scratch:
        jobs = []
        for part in parts:
            ranges = Path(scratch, f"{part.name}.calibration")
            if "int8" in options.variants:
                isolation.save_calibration(ranges, (sample.inputs for sample in part.samples(calibration())))
            jobs += [
                isolation.Job(
                    saved_model=str(part.saved_model),
                    variant=variant,
                    images=part.images,
                    quantised=part.quantised,
                    float_operations=part.float_operations,
                    bias_examples=part.bias_examples,
                    calibration=str(ranges) if variant == "int8" else "",
                    output=str(Path(scratch, f"{part.name}.{variant}.tflite")),
                )
                for variant in options.variants
            ]
        conversions = isolation.convert_all(jobs)
    names = [(part.name, variant) for part in parts for variant in options.variants]
    return [
        Made(part, variant, done.content, reason=done.reason and f"could not be converted: {done.reason}")
        for (part, variant), done in zip(names, conversions, strict=True)
    ]


def _verify(part: Part, made: Sequence[Made], threads: int, held_out: Records) -> None:
    """Runs the variants of a part beside its SavedModel and fills in metrics and reasons."""
    runners = {item.variant: runner for item in made if (runner := _loaded(item, threads))}
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
            except RuntimeError as error:
                item.reason = f"could not be run: {error}"
            else:
                measurements[item.variant].append(Measurement(sample.group, part.measure(sample, expected, got)))
    if not examples:
        raise ValueError(f"no held-out example to verify {part.name} on")
    for item in made:
        if not item.reason:
            judgement = part.judge(item.variant, measurements[item.variant])
            latency = 1000 * median(runners[item.variant].seconds)
            item.metrics = {**judgement.metrics, "latency_ms": latency, "examples": examples}
            item.reason = judgement.reason


def _loaded(made: Made, threads: int) -> Runner | None:
    if made.content is None:
        return None
    try:
        return Runner(made.content, threads)
    except (ValueError, RuntimeError) as error:
        made.reason = f"could not be loaded: {error}"
        return None
