"""The backbones that can be named in a configuration: one row each, nothing heavy imported to read it."""

import difflib
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from trainer.base.errors import UserError

Scaling = Literal["built_in", "symmetric", "caffe"]
"""What pixels 0..255 become before the first layer: `built_in` is done by the network itself, `symmetric` is -1..1,
`caffe` is BGR minus the means of ImageNet."""


@dataclass(frozen=True)
class Backbone:
    """What builds a backbone (a function of `keras.applications`, or `module:function`) and what it expects."""

    name: str
    builder: str
    image_size: int
    scaling: Scaling
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def published(self) -> tuple[str, str] | None:
        """Its weights for ImageNet: the module of `keras.applications` that knows the address, and the file's name."""
        return _PUBLISHED.get(self.name)


_ROWS = (
    Backbone("MobileNet", "MobileNet", 224, "symmetric"),
    Backbone("MobileNet-0.25", "MobileNet", 224, "symmetric", {"alpha": 0.25}),
    Backbone("MobileNetV2", "MobileNetV2", 224, "symmetric"),
    Backbone("MobileNetV3Small", "MobileNetV3Small", 224, "built_in"),
    Backbone("MobileNetV3Large", "MobileNetV3Large", 224, "built_in"),
    Backbone("EfficientNetB0", "EfficientNetB0", 224, "built_in"),
    Backbone("EfficientNetB1", "EfficientNetB1", 240, "built_in"),
    Backbone("EfficientNetB2", "EfficientNetB2", 260, "built_in"),
    Backbone("EfficientNetB3", "EfficientNetB3", 300, "built_in"),
    Backbone("EfficientNetV2B0", "EfficientNetV2B0", 224, "built_in"),
    Backbone("EfficientNetV2S", "EfficientNetV2S", 384, "built_in"),
    Backbone("ResNet50V2", "ResNet50V2", 224, "symmetric"),
    Backbone("ConvNeXtTiny", "ConvNeXtTiny", 224, "built_in"),
    Backbone("VGG19", "VGG19", 224, "caffe"),
    Backbone("small_cnn", "trainer.networks.small_cnn:small_cnn", 96, "symmetric"),
)
TABLE = {row.name: row for row in _ROWS}

_PUBLISHED = {
    "MobileNet": ("mobilenet", "mobilenet_1_0_224_tf_no_top.h5"),
    "MobileNet-0.25": ("mobilenet", "mobilenet_2_5_224_tf_no_top.h5"),
    "MobileNetV2": ("mobilenet_v2", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"),
    "MobileNetV3Small": ("mobilenet_v3", "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"),
    "MobileNetV3Large": ("mobilenet_v3", "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5"),
    "EfficientNetB0": ("efficientnet", "efficientnetb0_notop.h5"),
    "EfficientNetB1": ("efficientnet", "efficientnetb1_notop.h5"),
    "EfficientNetB2": ("efficientnet", "efficientnetb2_notop.h5"),
    "EfficientNetB3": ("efficientnet", "efficientnetb3_notop.h5"),
    "EfficientNetV2B0": ("efficientnet_v2", "efficientnetv2-b0_notop.h5"),
    "EfficientNetV2S": ("efficientnet_v2", "efficientnetv2-s_notop.h5"),
    "ResNet50V2": ("resnet", "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5"),
    "ConvNeXtTiny": ("convnext", "convnext_tiny_notop.h5"),
    "VGG19": ("vgg19", "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"),
}
"""Without their classification tops, and whatever the size of the image: `backbones.build` builds them so."""


def find(name: str) -> Backbone:
    """The row for `name`; upper case, `-`, `_` and `.` do not matter, and `module:function` is a person's own backbone.

    Raises:
        UserError: nothing has that name; the message offers the nearest names.
    """
    if ":" in name:
        return Backbone(name, name, 224, "built_in")
    rows = {_plain(row.name): row for row in _ROWS}
    if _plain(name) in rows:
        return rows[_plain(name)]
    near = difflib.get_close_matches(_plain(name), rows, n=3, cutoff=0.5)
    offered = ", ".join(rows[key].name for key in near) or ", ".join(TABLE)
    raise UserError(f"backbone {name!r} does not exist; did you mean {offered}?")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
