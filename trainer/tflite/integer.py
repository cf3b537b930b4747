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


def with_integer_interface(
    content: bytes, images: Sequence[str], quantised: Sequence[str], floating: Sequence[str] = ()
) -> bytes:
    """Gives an int8 file with float inputs and outputs its uint8 ones.

    Args:
        content: the TFLite file, as calibration made it, with one signature.
        images: names of inputs and outputs, in the signature, whose pixels 0..255 become uint8 of the same value.
        quantised: names of those that become uint8 with the scale of the int8 tensor behind them.
        floating: names of operations that may compute in floating point; an image next to one is converted for it.

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
    for name in quantised:
        _make_uint8(model, graph, tensors[name], name, is_input=name in inputs)
    for name in images:
        _make_pixels(model, graph, tensors[name], name, is_input=name in inputs, may_float=bool(floating))
    _check_integer(model, graph, floating)
    return file.packed(model)


def _make_uint8(model: schema.ModelT, graph: schema.SubGraphT, index: int, name: str, *, is_input: bool) -> None:
    """Turns the conversion float <-> int8 at the border into one uint8 <-> int8, which QUANTIZE does as well."""
    converting, computing = _beside(model, graph, index, is_input)
    if computing or not converting:
        raise NotInteger(f"{name} is not quantised: the operation next to it computes in floating point")
    inner = graph.tensors[converting[0].outputs[0] if is_input else converting[0].inputs[0]].quantization
    _set_uint8(graph.tensors[index], float(inner.scale[0]), int(inner.zeroPoint[0]) + 128)  # int8 -> uint8
    for op in converting:
        op.opcodeIndex = _code_index(model, schema.BuiltinOperator.QUANTIZE)


def _make_pixels(
    model: schema.ModelT, graph: schema.SubGraphT, index: int, name: str, *, is_input: bool, may_float: bool
) -> None:
    """The same with each value as it is; operations next to it that compute in floating point get a conversion."""
    converting, computing = _beside(model, graph, index, is_input)
    if not (converting or computing) or (computing and not may_float):
        raise NotInteger(f"{name} is not quantised: the operation next to it computes in floating point")
    if computing:
        copy = schema.TensorT()
        copy.name, copy.shape, copy.type = f"{name}_float".encode(), graph.tensors[index].shape, _FLOATS[0]
        graph.tensors.append(copy)
        inner, bridge = len(graph.tensors) - 1, schema.OperatorT()
        for op in computing:
            if is_input:
                op.inputs = [inner if i == index else i for i in op.inputs]
            else:
                op.outputs = [inner if i == index else i for i in op.outputs]
        code = schema.BuiltinOperator.DEQUANTIZE if is_input else schema.BuiltinOperator.QUANTIZE
        bridge.opcodeIndex = _code_index(model, code)
        bridge.inputs, bridge.outputs = ([index], [inner]) if is_input else ([inner], [index])
        graph.operators.insert(0 if is_input else len(graph.operators), bridge)
    _set_uint8(graph.tensors[index], 1.0, 0)
    for op in converting:
        op.opcodeIndex = _code_index(model, schema.BuiltinOperator.QUANTIZE)


def _beside(
    model: schema.ModelT, graph: schema.SubGraphT, index: int, is_input: bool
) -> tuple[list[schema.OperatorT], list[schema.OperatorT]]:
    """The operations that read an input, or write an output: those that only convert it, and the others."""
    border = schema.BuiltinOperator.QUANTIZE if is_input else schema.BuiltinOperator.DEQUANTIZE
    users = [op for op in graph.operators if index in (op.inputs if is_input else op.outputs)]
    converting = [op for op in users if operator_code(model, op) == border]
    return converting, [op for op in users if operator_code(model, op) != border]


def _set_uint8(tensor: schema.TensorT, scale: float, zero: int) -> None:
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero]
    tensor.type = schema.TensorType.UINT8


def _check_integer(model: schema.ModelT, graph: schema.SubGraphT, floating: Sequence[str]) -> None:
    """Only the conversions at the border and of what is `floating`, and that itself, may touch floating point."""
    floats = {i for i, tensor in enumerate(graph.tensors) if tensor.type in _FLOATS}
    border = {*graph.inputs, *graph.outputs}
    converts = (schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE)
    offending = set()
    for op in graph.operators:
        touched = floats.intersection(int(i) for i in [*op.inputs, *op.outputs])
        name = _OPERATORS[operator_code(model, op)]
        converted = operator_code(model, op) in converts and (floating or touched <= border)
        if touched and not converted and name not in floating:
            offending.add(name)
    if offending:
        raise NotInteger(f"not integer throughout: {', '.join(sorted(offending))} in floating point")


def _code_index(model: schema.ModelT, wanted: int) -> int:
    """The index of an operation among the file's operator codes; added where the file has none."""
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == wanted:
            return index
    added = schema.OperatorCodeT()
    added.builtinCode = added.deprecatedBuiltinCode = wanted
    added.version = 1
    model.operatorCodes.append(added)
    return len(model.operatorCodes) - 1
