"""Bias correction of an int8 file: what rounding shifts on average is taken back out of the biases.

A rounded kernel shifts the mean of a layer's output, and the shifts of a deep network's layers add up: MobileNetV2's
logits erred by a fifth of their spread, most of it the same for every photo. The cure is that of Nagel et al. 2019
(arXiv:1906.04721, section 4.2 and appendix D): the mean of each output channel over real examples is compared with that
of the float file, one layer after another, as each correction changes what comes behind it.

Behind an activation only those places answer to the bias that it does not clip: the shift is divided by their share.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from trainer.tflite.file import operator_code, packed, unpacked
from trainer.tflite.parts import Tensors
from trainer.tflite.run import dequantise

_LAYERS = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
)
# A channel that answers in fewer places than this share is left alone: dividing by less would make noise of it.
_FEWEST = 0.05


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
      samples: inputs by their names in the signature; some dozens will do, as a layer's mean is taken over all places.

    Returns:
      The file's new content; unchanged where no layer has a bias to correct.
    """
    model, original = unpacked(content), unpacked(reference)
    layers = _layers(model, original)
    inputs = list(samples)
    if not layers or not inputs:
        return content
    cut = _cut(original, len(original.subgraphs[0].operators), [layer.reference for layer in layers])
    wanted = [mean for mean, _ in _measure(cut, _fed(original, inputs))]
    fed = _fed(model, inputs)
    graph = model.subgraphs[0]
    for layer, expected in zip(layers, wanted, strict=True):
        ((found, free),) = _measure(_cut(model, layer.position + 1, [layer.output]), fed)
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
    return packed(model)


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


def _fed(model: schema.ModelT, samples: Sequence[Tensors]) -> list[dict[int, np.ndarray]]:
    """The samples by the indices of the tensors that take them."""
    (signature,) = model.signatureDefs
    indices = {entry.name.decode(): entry.tensorIndex for entry in signature.inputs}
    return [{indices[name]: values.astype(np.float32) for name, values in sample.items()} for sample in samples]


def _measure(content: bytes, samples: Sequence[dict[int, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each output of a file: each channel's mean, and its share of places that are at neither end of the type.

    Both are float64 [C]; a float output is at no end.
    """
    # Without XNNPACK, which aborts the process on some of these cut graphs.
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    outputs = interpreter.get_output_details()
    sums = [np.zeros((2, output["shape"][-1])) for output in outputs]
    for sample in samples:
        for index, values in sample.items():
            interpreter.set_tensor(index, values)
        interpreter.invoke()
        for total, output in zip(sums, outputs, strict=True):
            values = interpreter.get_tensor(output["index"]).reshape(-1, total.shape[1])
            total[0] += dequantise(values, output).mean(axis=0, dtype=np.float64)
            if values.dtype.kind == "i":
                ends = np.iinfo(values.dtype)
                total[1] += ((values > ends.min) & (values < ends.max)).mean(axis=0)
    return [(mean / len(samples), free / len(samples)) for mean, free in sums]


def _cut(model: schema.ModelT, operators: int, outputs: Sequence[int]) -> bytes:
    """A file with the first `operators` of the graph and other outputs."""
    graph = model.subgraphs[0]
    kept = graph.operators, graph.outputs, model.signatureDefs
    graph.operators, graph.outputs, model.signatureDefs = graph.operators[:operators], list(outputs), []
    try:
        return packed(model)
    finally:
        graph.operators, graph.outputs, model.signatureDefs = kept


def _values(model: schema.ModelT, tensor: schema.TensorT) -> np.ndarray:
    return np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.int32)
