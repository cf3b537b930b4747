"""Bias correction of an int8 file: what rounding shifts on average is taken back out of the biases.

A rounded kernel shifts the mean of a layer's output, and the shifts of a deep network's layers add up: MobileNetV2's
logits erred by a fifth of their spread, most of it the same for every photo. The cure is that of Nagel et al. 2019
(arXiv:1906.04721, section 4.2 and appendix D): the mean of each output channel over real examples is compared with that
of the float file, one layer after another, as each correction changes what comes behind it.

Behind an activation only those places answer to the bias that it does not clip: the shift is divided by their share.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from easel_serving.models.tflite.quantisation import dequantise

from trainer.tflite.contract import Tensors
from trainer.tflite.file import operator_code, packed, unpacked

_LAYERS = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
)
# A channel that answers in fewer places than this share is left alone: dividing by less would make noise of it.
_FEWEST = 0.05

_Values = dict[int, np.ndarray]
"""Tensors by their indices in a graph, in the types that they have there."""


@dataclass(frozen=True)
class _Layer:
    """Where a layer is: its operator in the int8 file, its output in both."""

    position: int
    output: int
    reference: int


def corrected(content: bytes, reference: bytes, samples: Iterable[Tensors]) -> bytes:
    """Corrects the biases of all convolutions and dense layers.

    Args:
        content: an int8 TFLite file with float inputs and one signature.
        reference: the same network in float32; layers are found by the names of their outputs.
        samples: inputs by their names in the signature; some dozens will do, as a layer's mean is taken over all
            places.

    Returns:
        The file's new content; unchanged where no layer has a bias to correct.
    """
    model, original = unpacked(content), unpacked(reference)
    layers = _layers(model, original)
    inputs = list(samples)
    if not layers or not inputs:
        return content
    wanted = [layer.reference for layer in layers]
    runs = _run(_cut(original, 0, len(original.subgraphs[0].operators), wanted), _fed(original, inputs))
    means = [[_channels(*found[index])[0] for index in wanted] for found in runs]
    expected = [np.mean(of_layer, axis=0) for of_layer in zip(*means, strict=True)]
    known, start = _fed(model, inputs), 0
    for layer, mean in zip(layers, expected, strict=True):
        # From the layer before, whose bias has changed, with what came into it: not from the beginning each time.
        kept = _live(model, layer.position)
        cut = _cut(model, start, layer.position + 1, [layer.output, *(kept - _live(model, start))])
        statistics = []
        for place, found in enumerate(_run(cut, known)):
            statistics.append(_channels(*found[layer.output]))
            known[place] = {index: found[index][0] if index in found else known[place][index] for index in kept}
        _correct(model, layer, mean, *np.mean(statistics, axis=0))
        start = layer.position
    return packed(model)


def _correct(model: schema.ModelT, layer: _Layer, expected: np.ndarray, found: np.ndarray, free: np.ndarray) -> None:
    """Moves a layer's biases by what its channels' means lack, `free` being the share of places that answer to it."""
    graph = model.subgraphs[0]
    op = graph.operators[layer.position]
    shift = expected - found
    if op.builtinOptions.fusedActivationFunction:
        shift = np.where(free > _FEWEST, shift / np.maximum(free, _FEWEST), 0)
    bias = graph.tensors[op.inputs[2]]
    steps = np.rint(shift / np.asarray(bias.quantization.scale))
    buffer = schema.BufferT()  # of its own: equal biases may share one
    buffer.data = (_values(model, bias) + steps).astype(np.int32).view(np.uint8)
    model.buffers.append(buffer)
    bias.buffer = len(model.buffers) - 1


def _layers(model: schema.ModelT, original: schema.ModelT) -> list[_Layer]:
    """The layers to correct, in the order in which they are computed."""
    graph = model.subgraphs[0]
    references = {tensor.name: index for index, tensor in enumerate(original.subgraphs[0].tensors)}
    found = []
    for position, op in enumerate(graph.operators):
        if operator_code(model, op) not in _LAYERS:
            continue
        output, reference = int(op.outputs[0]), references.get(graph.tensors[op.outputs[0]].name)
        has_bias = len(op.inputs) == 3 and op.inputs[2] >= 0
        if has_bias and reference is not None and graph.tensors[op.inputs[2]].type == schema.TensorType.INT32:
            found.append(_Layer(position, output, reference))
    return found


def _fed(model: schema.ModelT, samples: Sequence[Tensors]) -> list[_Values]:
    """The samples by the indices of the tensors that take them."""
    (signature,) = model.signatureDefs
    indices = {entry.name.decode(): entry.tensorIndex for entry in signature.inputs}
    return [{indices[name]: values.astype(np.float32) for name, values in sample.items()} for sample in samples]


def _live(model: schema.ModelT, position: int) -> set[int]:
    """What the operators from `position` on take from those before it, or from outside."""
    graph = model.subgraphs[0]
    made = {int(index) for op in graph.operators[:position] for index in op.outputs}.union(map(int, graph.inputs))
    return made.intersection(int(index) for op in graph.operators[position:] for index in op.inputs)


def _run(content: bytes, samples: Iterable[_Values]) -> Iterator[dict[int, tuple[np.ndarray, dict]]]:
    """The outputs of a file for each sample, and the interpreter's details of each output, by its index."""
    # Without XNNPACK, which aborts the process on some of these cut graphs.
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    for sample in samples:
        for details in inputs:
            interpreter.set_tensor(details["index"], sample[details["index"]])
        interpreter.invoke()
        yield {details["index"]: (interpreter.get_tensor(details["index"]), details) for details in outputs}


def _channels(values: np.ndarray, details: dict) -> np.ndarray:
    """Each channel's mean, and its share of places at neither end of an integer type, float64 [2, C]."""
    places = values.reshape(-1, values.shape[-1])
    free = np.zeros(places.shape[1])
    if values.dtype.kind == "i":
        ends = np.iinfo(values.dtype)
        free = ((places > ends.min) & (places < ends.max)).mean(axis=0)
    return np.stack([dequantise(places, details).mean(axis=0, dtype=np.float64), free])


def _cut(model: schema.ModelT, start: int, end: int, outputs: Sequence[int]) -> bytes:
    """A file with the operators `start` to `end` of the graph alone; its inputs are what these take from before."""
    graph = model.subgraphs[0]
    kept = graph.operators, graph.inputs, graph.outputs, model.signatureDefs
    inputs = sorted(_live(model, start))
    graph.operators, graph.inputs, graph.outputs = graph.operators[start:end], inputs, list(outputs)
    model.signatureDefs = []
    try:
        return packed(model)
    finally:
        graph.operators, graph.inputs, graph.outputs, model.signatureDefs = kept


def _values(model: schema.ModelT, tensor: schema.TensorT) -> np.ndarray:
    return np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.int32)
