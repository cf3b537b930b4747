"""Batch normalisation folded into the convolution before it (Jacob et al. 2018, arXiv:1712.05877, section 3.2).

Outside of training both are one affine map. TensorFlow runs a convolution with its bias and a relu6 as one operation,
but reads and writes every feature map twice more for a normalisation that stands by itself.
"""

from collections import Counter
from typing import Any

import keras
import numpy as np


def folded(model: keras.Model) -> keras.Model:
    """A model that computes what `model` does outside of training, with fewer operations.

    Folds normalisations that follow a `Conv2D` or `DepthwiseConv2D` whose output nothing else reads, among the layers
    of `model` itself (not of a model inside of it). All other layers, and their weights, are shared with `model`.

    Returns:
        A new functional model; `model` itself when there is nothing to fold.
    """
    if not hasattr(model, "_nodes_by_depth"):  # not functional: how its layers follow one another is not known
        return model
    norms = _foldable(model)
    if not norms:
        return model
    convolutions = {conv.name: _with_norm(conv, norm) for norm, conv in norms.values()}
    return keras.models.clone_model(
        model,
        clone_function=lambda layer: convolutions.get(layer.name, layer),
        call_function=lambda layer, *args, **kwargs: args[0] if layer.name in norms else layer(*args, **kwargs),
    )


def _foldable(model: keras.Model) -> dict[str, tuple[keras.layers.Layer, keras.layers.Layer]]:
    """`{name of a normalisation: (it, the convolution whose output only it reads)}`."""
    nodes = [node for level in model._nodes_by_depth.values() for node in level]
    readers = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    readers.update(map(id, model.outputs))
    uses = Counter(node.operation.name for node in nodes)
    makers = {id(tensor): node.operation for node in nodes for tensor in node.output_tensors}
    found = {}
    for node in nodes:
        norm = node.operation
        if isinstance(norm, keras.layers.BatchNormalization) and uses[norm.name] == 1:
            [features] = node.input_tensors
            conv = makers[id(features)]
            if _takes_a_scale(conv) and uses[conv.name] == 1 and readers[id(features)] == 1:
                found[norm.name] = (norm, conv)
    return found


def _takes_a_scale(layer: Any) -> bool:
    """Whether a layer's output is linear in its kernel; exact types, for what is derived may compute something else."""
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    return (
        type(layer) in kinds and layer.activation is keras.activations.linear and layer.data_format == "channels_last"
    )


def _with_norm(conv: keras.layers.Layer, norm: keras.layers.BatchNormalization) -> keras.layers.Layer:
    """The convolution with the normalisation in its weights."""
    mean, variance = (value.numpy().astype(np.float64) for value in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale = scale * norm.gamma.numpy()
    bias = (conv.bias.numpy() if conv.use_bias else 0.0) - mean
    shift = bias * scale + (norm.beta.numpy() if norm.center else 0.0)
    kernel = conv.kernel.numpy()
    # A depthwise kernel is [h, w, C, multiplier], and its outputs are numbered in that order.
    scales = scale.reshape(kernel.shape[2:]) if type(conv) is keras.layers.DepthwiseConv2D else scale
    made = type(conv).from_config({**conv.get_config(), "use_bias": True})
    made.build(conv.input.shape)
    made.set_weights([kernel * scales, shift])
    return made
