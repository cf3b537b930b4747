"""The sections `classifier` and `style` of the configuration."""

from typing import Annotated, Any, Literal

from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import check_name
from pydantic import AfterValidator, Field, field_validator

from trainer.base.options import Options
from trainer.classifier.options import BackboneOptions, ClassifierImageOptions, ClassifierTrainOptions, TunerOptions
from trainer.evaluation import rules
from trainer.evaluation.rules import Rule
from trainer.style.options import (
    EncoderOptions,
    NetworkOptions,
    PaintOptions,
    PairOptions,
    PerceptualOptions,
    StyleImageOptions,
    StyleTrainOptions,
)
from trainer.tflite.options import ClassifierTFLiteOptions, StyleTFLiteOptions


def _name(name: str) -> str:
    try:
        return check_name(name)
    except ServingError as error:
        raise ValueError(str(error)) from error


ModelName = Annotated[str, AfterValidator(_name)]

Folder = Annotated[str, Field(min_length=1)]


class _Judged(Options):
    """A lane whose model must satisfy `thresholds`: those of the file laid over the defaults."""

    @field_validator("thresholds", mode="before", check_fields=False)
    @classmethod
    def _over_the_defaults(cls, thresholds: Any) -> Any:
        return rules.merged(thresholds, cls.model_fields["thresholds"].default)

    @field_validator("thresholds", check_fields=False)
    @classmethod
    def _sensible(cls, thresholds: rules.Rules) -> rules.Rules:
        return rules.require_meaning(rules.require_examples(thresholds))

    @property
    def guards_off(self) -> list[str]:
        """The default rules that the file switched off, such as `accuracy.max_loss_to_champion`."""
        return rules.switched_off(self.thresholds, type(self).model_fields["thresholds"].default)


class ClassifierLane(_Judged):
    """Photographs in class folders become a classifier."""

    name: ModelName = "classifier"
    """The model's name in the serving directory and in TensorFlow Serving's addresses."""
    photos: Folder
    """Folder of `class/image`, or `train/class/image` with `validation/class/image`, or with `labels.csv`; or a pattern
    of such folders, `photos/span-{SPAN}` or `photos/{YYYY}-{MM}-{DD}`."""
    schema_file: Folder | None = Field(default=None, alias="schema")
    """Your own TFDV schema (pbtxt) of the photos; without one the first run proposes and keeps one."""
    image: ClassifierImageOptions = ClassifierImageOptions()
    """What the network sees of a photo."""
    backbone: BackboneOptions = BackboneOptions()
    """The pretrained network under the classifier."""
    train: ClassifierTrainOptions = ClassifierTrainOptions()
    """The training."""
    tuner: TunerOptions = TunerOptions()
    """The search for better values of `train`."""
    thresholds: dict[Literal["accuracy", "macro_f1", "ece", "brier"], Rule] = {
        "accuracy": Rule(beats_trivial_by=0.05, max_loss_to_champion=0.02, max_probable_loss_to_champion=0.05),
        "macro_f1": Rule(max_loss_to_champion=0.03),
    }
    """What a candidate must reach to be served, by metric. A rule that is given here replaces the default of that rule
    alone; `null` switches it off."""
    tflite: ClassifierTFLiteOptions = ClassifierTFLiteOptions()
    """The variants for phones and browsers."""


class StyleLane(_Judged):
    """Photographs and paintings become a style-transfer network."""

    name: ModelName = "style"
    """The model's name in the serving directory and in TensorFlow Serving's addresses."""
    photos: Folder
    """Folder of photographs, flat or in class folders; may be the classifier's, but the more varied the better."""
    paintings: Folder
    """Folder of paintings; each becomes a named style."""
    photos_schema: Folder | None = None
    """Your own TFDV schema (pbtxt) of these photos; without one the first run proposes and keeps one."""
    paintings_schema: Folder | None = None
    """The same of the paintings."""
    perceptual: PerceptualOptions = PerceptualOptions()
    """The network whose features define content and style."""
    encoder: EncoderOptions = EncoderOptions()
    """The network that turns a painting into a style code."""
    network: NetworkOptions = NetworkOptions()
    """The network that paints."""
    image: StyleImageOptions = StyleImageOptions()
    """Sizes and formats of what it reads and paints."""
    train: StyleTrainOptions = StyleTrainOptions()
    """The training."""
    pairs: PairOptions = PairOptions()
    """Which photos are painted like which paintings to evaluate it."""
    paint: PaintOptions = PaintOptions()
    """What `easel paint` does, which needs no trained network."""
    thresholds: dict[
        Literal["content_distance", "style_distance", "ssim", "colour_distance", "flicker", "forgetting"], Rule
    ] = {
        "style_distance": Rule(beats_trivial_times=1.25, max_loss_to_champion=0.02),
        "content_distance": Rule(max_loss_to_champion=0.1),
        "forgetting": Rule(at_most=0.03),
    }
    """What a candidate must reach to be served, by metric. A rule that is given here replaces the default of that rule
    alone; `null` switches it off. `forgetting` is asked of a network that started from another: by which share its
    style distance to paintings that it knew, and was not shown again, grew."""
    tflite: StyleTFLiteOptions = StyleTFLiteOptions()
    """The variants for phones and browsers."""
