"""About how long a run takes on this machine: work counted in floating-point operations, over a measured yardstick.

Good to a factor of two, which is what a person needs to choose between a coffee and the night.
"""

import time
from collections.abc import Mapping

import numpy as np

from pipeline.configuration.config import Config
from pipeline.configuration.lanes import ClassifierLane, StyleLane
from pipeline.planning.warm_start import style_is_warm
from trainer.networks.backbone_table import find

# Forward pass of one photo at the backbone's own size, GFLOP, as published with keras.applications' papers.
FORWARD = {
    "MobileNet": 1.1,
    "MobileNet-0.25": 0.08,
    "MobileNetV2": 0.6,
    "MobileNetV3Small": 0.12,
    "MobileNetV3Large": 0.44,
    "EfficientNetB0": 0.8,
    "EfficientNetB1": 1.4,
    "EfficientNetB2": 2.0,
    "EfficientNetB3": 3.6,
    "EfficientNetV2B0": 1.4,
    "EfficientNetV2S": 17.0,
    "ResNet50V2": 7.0,
    "ConvNeXtTiny": 9.0,
    "VGG19": 39.0,
    "small_cnn": 0.03,
}
_UNKNOWN_FORWARD = 2.0
_DEPTHWISE_SLOWNESS = 4.0
"""Small and depthwise convolutions reach a quarter of a matrix product's speed on processors."""
_TRAINING = 3.0
"""Forward and backward together, in forward passes."""
_STYLE_GFLOP_PER_PIXEL = 1.4e-3
"""VGG19 to block4_conv1 forward and backward, and the network that paints: DESIGN's 1.4 s for 4 crops of 160 pixels."""
_START, _LANE, _INPUT = 20.0, 90.0, 15.0
"""Seconds: importing TFX; evaluating, converting to TFLite and pushing a model; the components that read a folder."""
_PHOTO = 1 / 150
"""Seconds to ingest, validate and transform one image."""


def yardstick() -> float:
    """GFLOP/s of float32 matrix products, the best of a quarter of a second."""
    matrix = np.ones((512, 512), np.float32)
    best, end = 0.0, time.perf_counter() + 0.25
    while (start := time.perf_counter()) < end:
        matrix @ matrix
        best = max(best, 2 * 512**3 / 1e9 / (time.perf_counter() - start))
    return best


def seconds(config: Config, images: Mapping[str, int], speed: float) -> float:
    """About how long `easel run` takes when nothing is served from cache.

    `images` is how many usable ones each input has, such as `{"classifier.photos": 1262}`; for `speed` see `yardstick`.
    """
    folders = {path: images[key] for key, path in config.inputs().items()}
    total = _START + sum(_INPUT + _PHOTO * count for count in folders.values())
    if config.classifier:
        total += _LANE + _classifier(config.classifier, images["classifier.photos"]) / speed
    if config.style:
        total += _LANE + _style(config.style, warm=style_is_warm(config)) / speed
    return total


def _classifier(lane: ClassifierLane, photos: int) -> float:
    """GFLOP of training: features once for the head, then whole passes for what is fine-tuned."""
    backbone = find(lane.backbone.name)
    forward = FORWARD.get(backbone.name, _UNKNOWN_FORWARD) * _DEPTHWISE_SLOWNESS
    if lane.image.size:
        forward *= (lane.image.size / backbone.image_size) ** 2
    if lane.backbone.weights == "none":
        return photos * forward * _TRAINING * lane.train.scratch.epochs
    return photos * forward * (lane.train.head.views + _TRAINING * lane.train.fine_tune.epochs)


def _style(lane: StyleLane, *, warm: bool) -> float:
    train = lane.train.settled(warm=warm)
    return train.steps * train.batch_size * train.crop**2 * _STYLE_GFLOP_PER_PIXEL
