"""Options of the TFLite export (`classifier.tflite`, `style.tflite`); light, the configuration is made of these."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from trainer.base.options import Options

Variant = Literal["float32", "float16", "dynamic", "int8"]
VARIANTS: tuple[Variant, ...] = ("float32", "float16", "dynamic", "int8")


class TFLiteOptions(Options):
    """What to convert and how to verify it; each lane adds its own tolerance."""

    variants: Annotated[list[Variant], Field(min_length=1)] = list(VARIANTS)
    """Which variants to make: float32, float16 (weights), dynamic (int8 weights), int8 (uint8 images in and out)."""
    calibration_examples: PositiveInt = 100
    """How many examples (of train, where there is such a split) set the ranges of int8."""
    required: list[Variant] = []
    """Variants without which the model is not promoted; any other that is withheld is only a warning."""
    held_out_examples: PositiveInt | None = None
    """How many evaluation examples to verify every variant on, spread evenly; all of them when left out."""
    threads: PositiveInt = 2
    """Threads of the interpreter, in verification and for the latency that is reported."""


class ClassifierTFLiteOptions(TFLiteOptions):
    """`classifier.tflite`."""

    max_accuracy_drop: NonNegativeFloat = 0.01
    """A variant that loses more accuracy than this, and more than one example, against the SavedModel is withheld."""


class PSNRBounds(Options):
    """Peak signal-to-noise ratio in dB, of the variant's picture against the SavedModel's, on the worst painting."""

    float32: PositiveFloat = 45.0
    """Below this, float32 is withheld."""
    float16: PositiveFloat = 30.0
    """Below this, float16 is withheld."""
    dynamic: PositiveFloat = 25.0
    """Below this, dynamic is withheld."""
    int8: PositiveFloat = 25.0
    """Below this, int8 is withheld."""


class StyleTFLiteOptions(TFLiteOptions):
    """`style.tflite`."""

    min_psnr: PSNRBounds = PSNRBounds()
    """The least likeness to the SavedModel's pictures, for each variant."""
    held_out_examples: PositiveInt | None = 64
    """How many evaluation pairs to compare every variant on, spread evenly; all of them when null."""
