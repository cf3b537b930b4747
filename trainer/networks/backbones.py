"""Building a backbone and giving it weights: `imagenet`, `none` or the path of a file, through one function."""

import functools
import importlib
import math
from collections.abc import Callable
from pathlib import Path

import h5py
import keras

from trainer.base.errors import UserError
from trainer.networks import backbone_table
from trainer.networks.backbone_table import Backbone

# ImageNet's means, in the order blue, green, red (Simonyan & Zisserman, arXiv:1409.1556, section 2.1).
_CAFFE_MEANS = (103.939, 116.779, 123.68)


def build(name: str, weights: str = "imagenet", image_size: int | None = None) -> keras.Model:
    """A backbone without its classification top, its own preprocessing inside.

    Args:
        name: of `backbone_table.TABLE`, or `package.module:function` for a function like those of `keras.applications`
            (`input_tensor`, `include_top`, `weights`) that takes pixels 0..255.
        weights: `imagenet` (downloaded by Keras), `none` (random) or the path of an HDF5 file.
        image_size: the side of the square input in pixels; None leaves height and width open.

    Returns:
        A functional model without nesting: float [N, S, S, 3], RGB, 0..255 -> feature map float [N, h, w, C]. Layers
        have the names that `keras.applications` gives them.

    Raises:
        UserError: no such backbone; the file does not exist or is not for this backbone; `imagenet` without a network.
    """
    row = backbone_table.find(name)
    pixels = keras.Input((image_size, image_size, 3), name="image")
    build_from = functools.partial(_builder(row), input_tensor=_scale(pixels, row.scaling), include_top=False)
    model = _downloaded(row, build_from) if weights == "imagenet" else build_from(weights=None)
    # `input_tensor` makes the input a list of one, which Keras then warns about on every call.
    model = keras.Model(pixels, model.output, name=model.name)
    if weights not in ("imagenet", "none"):
        load_weights(model, weights)
    return model


def load_weights(model: keras.Model, path: str) -> None:
    """Loads an HDF5 file (Keras' weights format, or the older one that `keras.applications` publishes) into `model`.

    Raises:
        UserError: the file does not exist, is not HDF5, or was written by another architecture: the first layer that
            differs is named with both shapes.
    """
    if not Path(path).is_file():
        raise UserError(f"weights: {path} is not a file; give a path, imagenet or none")
    if not h5py.is_hdf5(path):
        raise UserError(f"weights: {path} is not an HDF5 file of Keras weights (.h5 or .weights.h5)")
    with h5py.File(path) as file:
        saved = _saved_shapes(file.get("model_weights", file))
    if saved is not None:
        _check_same_architecture(model, saved, path)
    try:
        model.load_weights(path)
    except (ValueError, KeyError) as error:
        raise UserError(f"weights: {path} does not fit {model.name}: {' '.join(str(error).split())}") from error


def _builder(row: Backbone) -> Callable[..., keras.Model]:
    if ":" not in row.builder:
        return functools.partial(getattr(keras.applications, row.builder), **row.arguments)
    module, _, function = row.builder.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise UserError(f"backbone {row.name!r} cannot be imported: {error}") from error


def _scale(pixels: keras.KerasTensor, scaling: backbone_table.Scaling) -> keras.KerasTensor:
    if scaling == "symmetric":
        return keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale_to_one")(pixels)
    if scaling == "caffe":
        offsets = [-mean for mean in _CAFFE_MEANS]
        return keras.layers.Rescaling(1.0, offset=offsets, name="subtract_means")(pixels[..., ::-1])
    return pixels


def _downloaded(row: Backbone, build_from: Callable[..., keras.Model]) -> keras.Model:
    if row.builder not in dir(keras.applications):
        raise UserError(f"backbone {row.name!r} has no imagenet weights; use weights: none or the path of a file")
    try:
        return build_from(weights="imagenet")
    except Exception as error:
        # Keras raises a bare Exception when a download is refused, and lets a broken connection through.
        if not isinstance(error, OSError) and "URL fetch failure" not in str(error):
            raise
        raise UserError(
            f"weights: imagenet for {row.name} could not be downloaded; without a network give the path of a file "
            "(weights: PATH) or use weights: none with the backbone small_cnn"
        ) from error


Shapes = list[tuple[str, list[tuple[int, ...]]]]


def _saved_shapes(group: h5py.Group) -> Shapes | None:
    """Layers with their weights' shapes, in the file's order; None for a format that keeps no order."""
    if "layer_names" not in group.attrs:
        return None
    names = [_text(name) for name in group.attrs["layer_names"]]
    shapes = [(name, [group[name][_text(w)].shape for w in group[name].attrs["weight_names"]]) for name in names]
    return [(name, found) for name, found in shapes if found]


def _check_same_architecture(model: keras.Model, saved: Shapes, path: str) -> None:
    wanted = [(layer.name, [tuple(w.shape) for w in layer.weights]) for layer in model.layers if layer.weights]
    for (name, shapes), (saved_name, saved_shapes) in zip(wanted, saved, strict=False):
        # Depthwise kernels were once stored with their axes in another order; Keras converts those.
        if sorted(map(_elements, shapes)) != sorted(map(_elements, saved_shapes)):
            raise UserError(
                f"weights: {path} is for another architecture than {model.name}: layer {name} needs {shapes}, "
                f"the file has {saved_shapes} ({saved_name})"
            )
    if len(wanted) != len(saved):
        raise UserError(
            f"weights: {path} is for another architecture than {model.name}: the file has {len(saved)} layers with "
            f"weights, {len(wanted)} are needed"
        )


def _elements(shape: tuple[int, ...]) -> int:
    return math.prod(shape)


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
