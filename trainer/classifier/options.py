"""The classifier's sections of the configuration, with their defaults."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from trainer.base.errors import UserError
from trainer.base.options import Options
from trainer.networks import backbone_table


class BackboneOptions(Options):
    """`classifier.backbone`: the network that the head stands on."""

    name: str = "MobileNetV2"
    """A family of keras.applications (MobileNetV2, EfficientNetB0, ...), small_cnn, or package.module:function."""
    weights: str = Field(default="imagenet", validate_default=True)
    """imagenet (downloaded by Keras), none (random: learn from scratch) or the path of an HDF5 file."""

    @field_validator("name")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            return backbone_table.find(name).name
        except UserError as error:
            raise ValueError(str(error)) from error

    @field_validator("weights")
    @classmethod
    def _are_published(cls, weights: str, info: ValidationInfo) -> str:
        name = info.data.get("name")
        if weights == "imagenet" and name and not backbone_table.find(name).published:
            raise ValueError(f"{name} has no ImageNet weights; write weights: none, or the path of a file")
        return weights


class ClassifierImageOptions(Options):
    """`classifier.image`: how photos become the network's square input."""

    size: int | None = Field(default=None, ge=32, le=1024)
    """Side in pixels; the backbone's own when left out."""
    aspect: Literal["squash", "crop", "pad"] = "squash"
    """What happens to a photo that is not square: squash distorts it, crop keeps the centre, pad adds black."""


class AugmentOptions(Options):
    """`classifier.train.augment`: random changes that leave the class as it is; 0 or false switches one off."""

    flip: bool = True
    """Mirror left and right."""
    rotation: float = Field(default=0.05, ge=0, le=0.5)
    """Up to this fraction of a full turn, both ways."""
    shift: float = Field(default=0.08, ge=0, le=0.5)
    """Up to this fraction of the side, in each direction."""
    shear: float = Field(default=0.0, ge=0, le=0.5)
    """Slants by up to this fraction of the side, in each direction."""
    zoom: float = Field(default=0.15, ge=0, lt=1)
    """Up to this fraction larger or smaller."""
    fill: Literal["reflect", "wrap", "nearest", "constant"] = "reflect"
    """What comes in from outside the frame: its reflection, its other side, its border, or black."""
    brightness: float = Field(default=0.1, ge=0, le=1)
    """Up to this fraction of full scale brighter or darker."""
    contrast: float = Field(default=0.15, ge=0, lt=1)
    """Up to this fraction more or less contrast."""
    saturation: float = Field(default=0.0, ge=0, le=1)
    """Up to this fraction more or less colourful."""
    hue: float = Field(default=0.0, ge=0, le=0.5)
    """Turns the colours by up to this fraction of the whole circle, both ways."""
    randaugment: int = Field(default=0, ge=0, le=4)
    """So many operations of Keras' RandAugment after the changes above; slow, and of use for long trainings only."""
    randaugment_strength: float = Field(default=0.3, gt=0, le=1)
    """How strong those are."""
    mixup: float = Field(default=0.0, ge=0, le=4)
    """Blends each photo and its target with another's; the share is drawn from Beta(mixup, mixup)."""
    cutmix: float = Field(default=0.0, ge=0, le=4)
    """Pastes a rectangle of another photo; its area is drawn from Beta(cutmix, cutmix). With mixup they take turns."""


class HeadOptions(Options):
    """`classifier.train.head`: the phase that trains the head alone, on features computed once."""

    views: int = Field(default=4, ge=1, le=64)
    """Versions of each photo whose features are computed: the photo itself, the rest augmented."""
    levels: int = Field(default=3, ge=1)
    """At how many of the backbone's resolutions, counted from the coarsest, features are averaged for the head."""
    epochs: int = Field(default=20, ge=1)
    """Passes over the features."""
    learning_rate: float = Field(default=3e-3, gt=0)
    """Of Adam, at the start of a cosine decay to 0."""


class FineTuneOptions(Options):
    """`classifier.train.fine_tune`: the phase that trains the upper part of the backbone, too."""

    epochs: int = Field(default=10, ge=0)
    """At most; 0 leaves the backbone frozen."""
    at: str | int | float = 0.5
    """First layer to train: its name, its index, or the fraction of layers (0..1) below it that stay frozen."""
    learning_rate: float = Field(default=1.5e-4, gt=0)
    """The highest, after a warm-up; a cosine brings it to 0. 5e-4 spoiled what MobileNetV2 had been pretrained for."""
    average: float = Field(default=0.98, ge=0, lt=1)
    """Keeps a running average of the weights, of about 1 / (1 - average) steps, and takes that; 0 takes the last."""


class ScratchOptions(Options):
    """`classifier.train.scratch`: the only phase of a backbone whose weights are none."""

    epochs: int = Field(default=30, ge=1)
    """At most; stops earlier when the validation part no longer improves."""
    learning_rate: float = Field(default=3e-3, gt=0)
    """The highest, after a warm-up; a cosine brings it to 0."""
    average: float = Field(default=0.0, ge=0, lt=1)
    """As in `fine_tune`."""


class ClassifierTrainOptions(Options):
    """`classifier.train`: how the classifier learns."""

    batch_size: int = Field(default=32, ge=1)
    """Photos per step."""
    validation: float = Field(default=0.1, ge=0, lt=0.9)
    """Fraction of the training photos held out for early stopping and calibration; the eval split stays untouched."""
    patience: int = Field(default=8, ge=1)
    """Epochs without improvement on the validation part after which the training of whole images stops."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Fraction of features dropped before the last layer."""
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    """Probability mass that the target spreads over all classes."""
    balance: bool = True
    """Weigh rare classes higher in the loss."""
    warm_start: bool = False
    """Starts a retraining from the version that serves instead of from the pretrained weights, new classes included."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto takes what the processor is fast at."""
    strategy: Literal["one_device", "mirrored"] = "one_device"
    """`mirrored` gives every GPU of this machine an equal part of each batch; the results are those of one device."""
    augment: AugmentOptions = AugmentOptions()
    head: HeadOptions = HeadOptions()
    fine_tune: FineTuneOptions = FineTuneOptions()
    scratch: ScratchOptions = ScratchOptions()


class Range(Options):
    """Values that the tuner may try: those listed, or any between two bounds."""

    values: tuple[float | int | str | bool, ...] = ()
    """The values themselves; instead of bounds."""
    low: float | None = None
    """The lowest."""
    high: float | None = None
    """The highest."""
    log: bool = False
    """Draw evenly over orders of magnitude."""

    @model_validator(mode="after")
    def _one_of_both(self) -> "Range":
        bounds = (self.low, self.high)
        if bool(self.values) == (bounds != (None, None)):
            raise ValueError("give either values, or low and high")
        if not self.values and (None in bounds or self.low >= self.high or (self.log and self.low <= 0)):
            raise ValueError("low must be below high, and above 0 for log")
        return self


class TunerOptions(Options):
    """`classifier.tuner`: a search for better values of `classifier.train`, judged on the validation part of train."""

    enabled: bool = False
    """Search; what is found is used by the training, and kept for later runs."""
    reuse: bool = False
    """Use what an earlier search found instead of searching again."""
    minutes: float = Field(default=10.0, gt=0)
    """No trial begins after this time."""
    trials: int = Field(default=20, ge=1)
    """At most so many."""
    space: dict[str, Range] = {
        "head.learning_rate": Range(low=3e-4, high=3e-2, log=True),
        "dropout": Range(low=0.0, high=0.6),
        "label_smoothing": Range(low=0.0, high=0.2),
    }
    """Keys under `classifier.train` and their ranges. While all of them concern the head, a trial takes seconds: the
    features are computed once. Any other key, such as fine_tune.learning_rate, makes each trial a whole training."""

    @field_validator("space")
    @classmethod
    def _keys_exist(cls, space: dict[str, Range]) -> dict[str, Range]:
        for key in space:
            section: Any = ClassifierTrainOptions()
            for part in key.split("."):
                section = getattr(section, part, None)
            if section is None or isinstance(section, Options):
                raise ValueError(f"{key!r} is not a key of classifier.train")
        return space


class ClassifierOptions(Options):
    """The sections that the classifier's preprocessing and training read."""

    backbone: BackboneOptions = BackboneOptions()
    image: ClassifierImageOptions = ClassifierImageOptions()
    train: ClassifierTrainOptions = ClassifierTrainOptions()

    @property
    def image_size(self) -> int:
        """The side of the network's input in pixels."""
        return self.image.size or backbone_table.find(self.backbone.name).image_size


def tuned(train: ClassifierTrainOptions, values: Mapping[str, Any]) -> ClassifierTrainOptions:
    """`train` with the values that a search found, by dotted key.

    Raises:
        pydantic.ValidationError: a value is not allowed.
    """
    document = train.model_dump()
    for key, value in values.items():
        *sections, name = key.split(".")
        place = document
        for section in sections:
            place = place[section]
        place[name] = value
    return ClassifierTrainOptions.model_validate(document)


def from_config(custom_config: Mapping[str, Any]) -> ClassifierOptions:
    """The options in a TFX `custom_config` (`{"options": {"backbone": ..., "image": ..., "train": ...}}`)."""
    return ClassifierOptions.model_validate(custom_config["options"])
