"""The integer interface of an int8 TFLite file: which tensors a program exchanges as uint8, and with what scale.

TensorFlow's converter knows one type for all inputs and one for all outputs, with the scale that calibration found. A
style network wants uint8 pictures beside a float code, and programs want a pixel to be its own value: so we let it make
a float interface around int8 operations and edit the conversions at its border, as TensorFlow itself does for uint8
(`tensorflow/lite/python/util.py`, `modify_model_io_type`).
"""

from collections.abc import Sequence

from ai_edge_litert import schema_py_generated as schema

from trainer.tflite import file
from trainer.tflite.file import operator_code

_FLOATS = (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16)
_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


class NotInteger(ValueError):
    """The file computes in floating point where integers were asked for; the message names tensors or operations."""


def with_integer_interface(content: bytes, images: Sequence[str], quantised: Sequence[str]) -> bytes:
    """Gives an int8 file with float inputs and outputs its uint8 ones.

    Args:
      content: the TFLite file, as calibration made it, with one signature.
      images: names of inputs and outputs, in the signature, whose pixels 0..255 become uint8 of the same value.
      quantised: names of those that become uint8 with the scale of the int8 tensor behind them.

    Raises:
      NotInteger: a named tensor has no quantised tensor behind it, or an operation computes in floating point.
      ValueError: a name is not in the signature.
    """
    model = file.unpacked(content)
    (signature,) = model.signatureDefs
    tensors = {entry.name.decode(): entry.tensorIndex for entry in [*signature.inputs, *signature.outputs]}
    unknown = sorted({*images, *quantised} - set(tensors))
    if unknown:
        raise ValueError(f"no tensor {', '.join(unknown)} in the signature, which has {', '.join(sorted(tensors))}")
    inputs = {entry.name.decode() for entry in signature.inputs}
    graph = model.subgraphs[signature.subgraphIndex]
    for name in [*images, *quantised]:
        _make_uint8(model, graph, tensors[name], name, is_input=name in inputs, is_image=name in images)
    _check_integer(model, graph)
    return file.packed(model)


def _make_uint8(
    model: schema.ModelT, graph: schema.SubGraphT, index: int, name: str, *, is_input: bool, is_image: bool
) -> None:
    """Turns the conversion float <-> int8 at the border into one uint8 <-> int8, which QUANTIZE does as well."""
    border = schema.BuiltinOperator.QUANTIZE if is_input else schema.BuiltinOperator.DEQUANTIZE
    users = [op for op in graph.operators if index in (op.inputs if is_input else op.outputs)]
    if not users or any(operator_code(model, op) != border for op in users):
        raise NotInteger(f"{name} is not quantised: the operation next to it computes in floating point")
    inner = graph.tensors[users[0].outputs[0] if is_input else users[0].inputs[0]].quantization
    quantisation = schema.QuantizationParametersT()
    quantisation.scale = [1.0] if is_image else [float(inner.scale[0])]
    quantisation.zeroPoint = [0] if is_image else [int(inner.zeroPoint[0]) + 128]  # int8 -> uint8
    graph.tensors[index].quantization = quantisation
    graph.tensors[index].type = schema.TensorType.UINT8
    for op in users:
        op.opcodeIndex = _quantize_index(model)


def _check_integer(model: schema.ModelT, graph: schema.SubGraphT) -> None:
    """Only the conversions at the border may touch floating point."""
    floats = {i for i, tensor in enumerate(graph.tensors) if tensor.type in _FLOATS}
    border = {*graph.inputs, *graph.outputs}
    converts = (schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE)
    offending = set()
    for op in graph.operators:
        touched = floats.intersection(int(i) for i in [*op.inputs, *op.outputs])
        if touched and not (operator_code(model, op) in converts and touched <= border):
            offending.add(_OPERATORS[operator_code(model, op)])
    if offending:
        raise NotInteger(f"not integer throughout: {', '.join(sorted(offending))} in floating point")


def _quantize_index(model: schema.ModelT) -> int:
    """The index of QUANTIZE among the file's operator codes; added where a file has only the way back."""
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == schema.BuiltinOperator.QUANTIZE:
            return index
    added = schema.OperatorCodeT()
    added.builtinCode = added.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    added.version = 1
    model.operatorCodes.append(added)
    return len(model.operatorCodes) - 1
