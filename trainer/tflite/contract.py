"""The contract between the TFLite export, which is generic, and a lane, which knows what its parts take and mean.

A lane's module (`trainer.classifier.export.tflite`, `trainer.style.export.tflite`) exports

    OPTIONS                                              # its subclass of TFLiteOptions
    def parts(model_dir: Path, options: OPTIONS) -> list[Part]: ...

and everything else (conversion, interpreter, latency, verdicts, files) is done for it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIGNATURE = "serving_default"
"""The one signature of a part's SavedModel, and of its TFLite files."""

Tensors = Mapping[str, np.ndarray]
"""Tensors of a signature by name, float32, batch 1; images are 0..255 whatever the variant's own types are."""


@dataclass(frozen=True)
class Sample:
    """One held-out or calibration example as the part's float signature takes it."""

    inputs: Tensors
    group: str = ""
    """What the results are grouped by: the class, the painting."""


@dataclass(frozen=True)
class Measurement:
    """One sample's figures, such as {"correct": 1.0, "score_difference": 0.02} or {"squared_error": 3.1}."""

    group: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Judgement:
    """A part's word on one variant: the figures to report, and why it is withheld ("" when it is not)."""

    metrics: Mapping[str, float]
    reason: str = ""


@dataclass(frozen=True)
class Part:
    """One network of a model that becomes a TFLite file of its own."""

    name: str
    """The file's first name: `classifier`, `predictor`, `transformer`."""
    saved_model: Path
    """A SavedModel with one fixed-shape, batch-1, float32 signature `serving_default`."""
    samples: Callable[[Iterable[bytes]], Iterator[Sample]]
    """Serialized tf.Examples (ingest's, or style pairs) -> samples, lazily; for calibration and for verification."""
    measure: Callable[[Sample, Tensors, Tensors], Mapping[str, float]]
    """(sample, the SavedModel's outputs, the variant's outputs) -> figures of this sample."""
    judge: Callable[[str, Sequence[Measurement]], Judgement]
    """(variant, all measurements) -> metrics and verdict."""
    images: tuple[str, ...] = ()
    """Inputs and outputs that are pixels 0..255: int8 has them as uint8 with the pixel's own value (scale 1)."""
    quantised: tuple[str, ...] = ()
    """Other inputs and outputs that int8 has as uint8 with a scale of their own (scores); the rest stays float32."""
    float_operations: tuple[str, ...] = ()
    """Operations of TFLite, such as MEAN, that int8 leaves in floating point: what eight bits are too few for."""
    bias_examples: int = 0
    """On how many calibration examples int8's biases are corrected (`trainer.tflite.bias`); 0 leaves them."""
    finish: Callable[[bytes], bytes] = lambda content: content
    """What a file's content becomes before it is verified: the lane adds its metadata."""
