"""The network: a backbone, the averages of its features at several resolutions, and a dropout head."""

from dataclasses import dataclass

import keras

from trainer.base.errors import UserError
from trainer.classifier.options import ClassifierOptions
from trainer.networks import backbones


@dataclass(frozen=True)
class Network:
    """Three views of the same weights.

    Attributes:
        features: float [N, S, S, 3], 0..255 -> [N, C].
        head: [N, C] -> logits float32 [N, K].
        model: both after one another.
    """

    features: keras.Model
    head: keras.Model
    model: keras.Model


def build(options: ClassifierOptions, classes: int, weights: str) -> Network:
    """A network for `classes` classes, with `weights` (as in `trainer.networks.backbones.build`) in its backbone.

    Raises:
        UserError: see `trainer.networks.backbones.build`.
    """
    backbone = backbones.build(options.backbone.name, weights, options.image_size)
    maps = [backbone.get_layer(name).output for name in level_ends(backbone)[-options.train.head.levels :]]
    averages = [keras.layers.GlobalAveragePooling2D(name=f"average{i}")(level) for i, level in enumerate(maps)]
    pooled = keras.layers.Concatenate(name="pooled")(averages) if len(averages) > 1 else averages[0]
    features = keras.Model(backbone.input, pooled, name="features")
    top = head(options, pooled.shape[-1], classes)
    return Network(features, top, keras.Model(backbone.input, top(pooled), name="classifier"))


def head(options: ClassifierOptions, channels: int, classes: int) -> keras.Model:
    """Features [N, channels] -> logits float32 [N, classes]."""
    return keras.Sequential(
        [
            keras.Input((channels,)),
            keras.layers.Dropout(options.train.dropout, name="dropout"),
            # float32 whatever the precision of the rest: a softmax over bfloat16 logits loses digits that matter.
            keras.layers.Dense(classes, dtype="float32", name="logits"),
        ],
        name="head",
    )


def level_ends(backbone: keras.Model) -> list[str]:
    """The last layer at each resolution of a backbone, from fine to coarse; the last is the backbone's output.

    What is left behind at a finer resolution is texture and colour, which the coarsest has traded for objects; a frozen
    backbone classifies materials noticeably better with it.
    """
    coarsest, ends = backbone.output.shape[1], {}
    for layer in backbone.layers:
        shape = getattr(layer.output, "shape", ())
        # Padding makes a resolution of its own, and squeeze-and-excitation one of a single pixel.
        if len(shape) == 4 and shape[1] >= coarsest and not isinstance(layer, keras.layers.ZeroPadding2D):
            ends[shape[1]] = layer.name
    return [ends[side] for side in sorted(ends, reverse=True)]


def unfreeze(features: keras.Model, at: str | int | float) -> int:
    """Makes the layers from `at` on trainable and the rest not; batch normalisation stays as it was pretrained.

    Statistics over small batches would spoil what the pretrained weights expect, and some published weights have their
    normalisation folded into the convolutions already. `at` is a layer's name, its index, or the fraction (0..1) of
    layers that stay frozen.

    Returns:
        The index of the first trainable layer.

    Raises:
        UserError: there is no such layer.
    """
    layers = features.layers
    names = [layer.name for layer in layers]
    if isinstance(at, str):
        if at not in names:
            raise UserError(
                f"train.fine_tune.at: there is no layer {at!r}; layers are called like {names[len(names) // 2]}"
            )
        first = names.index(at)
    else:
        first = round(at * len(layers)) if isinstance(at, float) else at
    if not 0 <= first < len(layers):
        raise UserError(f"train.fine_tune.at: {at} is outside the {len(layers)} layers")
    for index, layer in enumerate(layers):
        layer.trainable = index >= first and not isinstance(layer, keras.layers.BatchNormalization)
    return first
