"""The style network's sections of the configuration, with their defaults."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from trainer.base.options import Options
from trainer.training.precision import Precision

Start = Literal["auto", "champion", "shipped", "scratch"]
WARM_START = "warm_start"
"""What `style.train.start` was called; still read."""


class PerceptualOptions(Options):
    """`style.perceptual`: the network whose features define content and style (VGG19)."""

    weights: str = "imagenet"
    """imagenet (downloaded by Keras), the path of an HDF5 file, light (a small network that ships with Easel and
    predicts VGG19's features: nothing to download) or none (random: a check that the pipeline works)."""


class EncoderOptions(Options):
    """`style.encoder`: the network whose pooled features become the style code (MobileNetV2); it is not trained."""

    weights: str = "imagenet"
    """imagenet (downloaded by Keras), none (random) or the path of an HDF5 file of MobileNetV2. A network that is
    started from brings its own (`style.train.start`)."""


class NetworkOptions(Options):
    """`style.network`: the transformer that paints."""

    channels: int = Field(default=64, ge=8, le=256)
    """Channels of the residual blocks at a quarter of the resolution."""
    blocks: int = Field(default=5, ge=1, le=12)
    """Residual blocks."""
    code_size: int = Field(default=96, ge=8, le=512)
    """Length D of a style code."""


class StyleImageOptions(Options):
    """`style.image`: sizes and formats."""

    train_side: int = Field(default=384, ge=32, le=1024)
    """Side in pixels of the squares that training cuts its crops from."""
    max_side: int = Field(default=1024, ge=64)
    """Photos larger than this are reduced before they are painted by the served model."""
    format: Literal["jpeg", "png"] = "jpeg"
    """What the served model returns: JPEG of quality 95 or PNG."""


class StyleTrainOptions(Options):
    """`style.train`: how the style network learns.

    The distances are relative (to the photo's features, to the painting's own statistics), so that weights mean the
    same for every painting. Johnson et al. (2016) and Ghiasi et al. (2017) weigh absolute ones.
    """

    start: Start = "auto"
    """What the network starts from: the version that serves (champion), the one that ships with Easel (shipped) or
    nothing (scratch); auto is the first of these that has this shape. Before a version serves, champion is as auto."""
    steps: PositiveInt | None = None
    """Training steps with the perceptual losses. Left out: 2,500 from scratch, 500 from a network that paints."""
    reproduction_steps: NonNegativeInt = 150
    """Steps before those, in which the network learns to reproduce photos; cheap, they need no perceptual network. None
    from a network that paints."""
    batch_size: PositiveInt = 4
    """Crops in each step."""
    crop: int = Field(default=160, ge=32)
    """Side of the photos' crops in pixels."""
    photo_crops: PositiveInt = 1000
    """Crops of photos whose features are computed once and then drawn from."""
    painting_crops: PositiveInt = 12
    """Crops of each painting whose statistics are computed once and then drawn from."""
    invented_paintings: NonNegativeInt = 300
    """Parts of paintings and photos in the colours of others, which are learned from too, a third of the time: for
    paintings that training has not seen."""
    learning_rate: PositiveFloat | None = None
    """The highest, of Adam; matrices learn with Muon, at fifteen times as much. It is reached after a twentieth of the
    steps, and a cosine brings it down to a twentieth. Left out: 0.001 from scratch, half from a network that paints."""
    content_weight: NonNegativeFloat = 1.0
    """Of the content distance: block4_conv1, relative to the photo's features."""
    style_weight: NonNegativeFloat = 10.0
    """Of the style distance: channel means and deviations at block1..4_conv1, relative to the painting's."""
    gram_weight: NonNegativeFloat = 0.0
    """Of the Gram distance (Gatys et al. 2016) at block1..3_conv1, relative to the painting's."""
    tv_weight: NonNegativeFloat = 1.0
    """Of the total variation, the mean squared difference of neighbouring pixels (0..1)."""
    reproduction_weight: NonNegativeFloat = 1.0
    """Of reproducing a photo painted in its own style: what makes strengths between 0 and 1 sensible."""
    structure_weight: NonNegativeFloat = 0.0
    """Of the structure that a picture loses of its photo, the contrast and structure of SSIM (Wang et al. 2004)."""
    flat_weight: NonNegativeFloat = 0.0
    """Of detail finer than eight pixels where the photo is flat, such as a weave in skies."""
    stability_weight: NonNegativeFloat = 0.0
    """Of the difference that it makes to a picture when its photo moves by up to three pixels and gets noise (Sheng et
    al. 2018; Risser et al. 2017): what films flicker by. It costs two more pictures each step."""
    mixed_share: float = Field(default=0.0, ge=0, le=1)
    """Of the styles, how many are mixes of two, code and statistics alike: what makes mixing sensible."""
    average: float = Field(default=0.995, ge=0, lt=1)
    """Decay of the moving average of the weights; the average is what is exported."""
    rehearsal_weight: NonNegativeFloat = 1.0
    """Of painting the paintings that the network knew when it started as it did then, in two more pictures each step:
    what keeps it from forgetting them (Li & Hoiem 2016). 0 does not rehearse."""
    precision: Precision = "auto"
    """float32, bfloat16, float16, or what this processor computes fastest (auto)."""

    @model_validator(mode="before")
    @classmethod
    def _old_spelling(cls, data: Any) -> Any:
        """`warm_start: true` is `start: champion`, `false` is `start: scratch`."""
        if not isinstance(data, Mapping) or not isinstance(data.get(WARM_START), bool):
            return data
        if "start" in data:
            raise ValueError(f"{WARM_START} is the old name of start, which is given, too: leave {WARM_START} out")
        kept = {name: value for name, value in data.items() if name != WARM_START}
        return {**kept, "start": "champion" if data[WARM_START] else "scratch"}

    def settled(self, *, warm: bool) -> "StyleTrainOptions":
        """These options with what depends on whether it starts from a network that paints (`warm`) filled in."""
        usual = {"steps": 500, "learning_rate": 5e-4} if warm else {"steps": 2500, "learning_rate": 1e-3}
        left_out = {name: value for name, value in usual.items() if getattr(self, name) is None}
        return self.model_copy(update=left_out | ({"reproduction_steps": 0} if warm else {}))


class PairOptions(Options):
    """`style.pairs`: which photos are painted like which paintings to evaluate the network."""

    photos: PositiveInt = 4
    """How many photos of the eval split."""
    paintings: PositiveInt | None = None
    """How many paintings; all of them when left out."""
    side: int = Field(default=384, ge=64, le=1024)
    """Photos and paintings are reduced to this longest side in pixels. Where it is `image.train_side`, strokes are as
    wide as training saw them."""


class PaintOptions(Options):
    """`style.paint`: pictures that `easel paint` optimises one by one (Gatys et al. 2016)."""

    method: Literal["adam", "lbfgs"] = "adam"
    """Adam with averaged iterates, or L-BFGS, which gets lower in fewer steps and leaves rougher pictures."""
    side: int = Field(default=512, ge=16, le=4096)
    """Longest side of the picture in pixels; memory and time grow with its square."""
    smallest_side: int = Field(default=128, ge=16)
    """Longest side of the first scale; each next one is larger by the square root of 2."""
    steps_per_scale: PositiveInt = 150
    """Of Adam, or iterations of L-BFGS."""
    learning_rate: PositiveFloat = 5.0
    """Adam's at the beginning of each scale, in levels of 255."""
    decay: float = Field(default=0.99, gt=0, le=1)
    """What the rate is multiplied by after each step."""
    average: float = Field(default=0.99, ge=0, lt=1)
    """Decay of the moving average over Adam's iterates; the average is the picture."""
    brush: float = Field(default=1.0, ge=0.1, le=4)
    """Size of the paintings relative to the picture: larger gives broader strokes."""
    content_weight: NonNegativeFloat = 1.0
    """Of the content distance: block4_conv1, relative to the photo's features."""
    gram_weight: NonNegativeFloat = 10.0
    """Of the Gram distance at block1..4_conv1, relative to the paintings', averaged over the mask's area."""
    tv_weight: NonNegativeFloat = 1.0
    """Of the total variation, the mean squared difference of neighbouring pixels (0..1)."""


class StyleOptions(Options):
    """What the style lane's modules are given in `custom_config["options"]`."""

    perceptual: PerceptualOptions = PerceptualOptions()
    encoder: EncoderOptions = EncoderOptions()
    network: NetworkOptions = NetworkOptions()
    image: StyleImageOptions = StyleImageOptions()
    train: StyleTrainOptions = StyleTrainOptions()


def from_config(custom_config: Mapping[str, Any]) -> StyleOptions:
    """The options in TFX's `custom_config`."""
    return StyleOptions.model_validate_json(json.dumps(custom_config["options"]))
