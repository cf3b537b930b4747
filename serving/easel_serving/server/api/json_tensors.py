"""Tensors from and to the JSON of TensorFlow Serving's predict and classify calls.

Follows tensorflow_serving/util/json_tensor.cc, function by function and message by message; what people's programs
match on are these messages.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from easel_serving.protocol.status import StatusError, invalid
from easel_serving.server.api.json_values import decode_base64, is_base64, parse_object, text_of, type_of

Specs = Mapping[str, "np.dtype[Any]"]
"""Inputs of a signature: `{name: dtype}`, strings as `np.dtype(object)`."""

_INTEGERS = {"int8": 32, "int16": 32, "int32": 32, "uint8": 32, "int64": 64}


def parse_request(body: bytes) -> tuple[dict[str, Any], str]:
    """A request's document and the signature it names, "" for the default one: all that needs no model to be read."""
    document = parse_object(body)
    return document, signature_name(document)


def predict_inputs(document: Mapping[str, Any], specs: Specs) -> tuple[dict[str, np.ndarray], bool]:
    """The input tensors of a predict request, and whether its format is row (`instances`)."""
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {text_of(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist "
        )
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            raise invalid(f"JSON Value: {text_of(document)} Excepting 'instances' to be an list/array")
        if not instances:
            raise invalid(f"JSON Value: {text_of(document)} No values in 'instances' array")
        return _from_instances(instances, specs), True
    if "inputs" in document:
        return _from_inputs(document["inputs"], specs), False
    raise invalid("Missing 'inputs' or 'instances' key")


def signature_name(document: Mapping[str, Any]) -> str:
    """`signature_name`, "" when it is not given."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {text_of(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def predict_response(outputs: Mapping[str, np.ndarray], row: bool) -> dict[str, Any]:
    """`{"predictions": [...]}` or `{"outputs": ...}`; a single output goes without its name."""
    ordered = dict(sorted(outputs.items()))
    values = {name: _plain(value, as_base64=name.endswith("_bytes")) for name, value in ordered.items()}
    if not row:
        return {"outputs": values if len(values) > 1 else next(iter(values.values()))}
    size = None
    for name, value in ordered.items():
        if value.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size not in (None, len(value)):
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(value)} expecting: {size}")
        size = len(value)
    if len(values) == 1:
        return {"predictions": next(iter(values.values()))}
    return {"predictions": [{name: value[item] for name, value in values.items()} for item in range(size or 0)]}


def _plain(value: np.ndarray, as_base64: bool) -> Any:
    if value.dtype != object:
        return value if value.ndim else value[()]
    if value.ndim:
        return [_plain(np.asarray(item, dtype=object), as_base64) for item in value]
    return {"b64": base64.b64encode(value.item()).decode()} if as_base64 else value.item()


def _from_instances(instances: list[Any], specs: Specs) -> dict[str, np.ndarray]:
    if not isinstance(instances[0], dict) and len(specs) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    as_objects = _is_object(instances[0])
    collected: dict[str, list[np.ndarray]] = {}
    for number, element in enumerate(instances):
        if as_objects and not _is_object(element):
            raise invalid(f"Expecting object but got list at item {number} of input list")
        if not as_objects and _is_object(element):
            raise invalid(f"Expecting value/list but got object at item {number} of input list")
        named = element if as_objects else {next(iter(specs)): element}
        for name, value in named.items():
            try:
                _add_instance(value, name, specs, collected)
            except StatusError as error:
                key = f" key: {name}" if as_objects else ""
                raise invalid(
                    f"Failed to process element: {number}{key} of 'instances' list. Error: {error.full()}"
                ) from None
        if set(named) != set(specs):
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. JSON object: {text_of(element)} keys must "
                f"be equal to: {','.join(sorted(specs))}"
            )
    return {name: np.stack(values) for name, values in collected.items()}


def _add_instance(value: Any, name: str, specs: Specs, collected: dict[str, list[np.ndarray]]) -> None:
    if name not in specs:
        raise invalid(f"JSON object: does not have named input: {name}")
    array = tensor(value, specs[name])
    first = collected.setdefault(name, [array])[0]
    if first is array:
        return
    if first.size != array.size:
        raise invalid(f"Expecting tensor size: {first.size} but got: {array.size}")
    if first.shape != array.shape:
        raise invalid(f"Expecting shape {_shape(first)} but got: {_shape(array)}")
    collected[name].append(array)


def _from_inputs(value: Any, specs: Specs) -> dict[str, np.ndarray]:
    if not _is_object(value):
        if len(specs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        [(name, dtype)] = specs.items()
        return {name: tensor(value, dtype)}
    for name in specs:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: tensor(value[name], dtype) for name, dtype in specs.items()}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def tensor(value: Any, dtype: "np.dtype[Any]") -> np.ndarray:
    """A JSON value as a dense tensor; the first elements decide the shape, as in `GetDenseTensorShape`."""
    shape, inner = [], value
    while isinstance(inner, list):
        shape.append(len(inner))
        if not inner:
            break
        inner = inner[0]
    leaves: list[Any] = []
    _fill(value, 0, shape, dtype, leaves)
    flat = np.empty(len(leaves), dtype=dtype)
    flat[:] = leaves
    return flat.reshape(shape)


def _fill(value: Any, level: int, shape: list[int], dtype: "np.dtype[Any]", leaves: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {text_of(value)} found at incorrect level: {level + 1} in the JSON DOM. Expected at "
                f"level: {len(shape)}"
            )
        leaves.append(_leaf(value, dtype))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for item in value:
        _fill(item, level + 1, shape, dtype, leaves)


def _leaf(value: Any, dtype: "np.dtype[Any]") -> Any:
    if dtype.kind == "O":
        if isinstance(value, dict):
            return decode_base64(value)
        if isinstance(value, str):
            return value.encode()
    elif dtype.kind == "b":
        if isinstance(value, bool):
            return value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if dtype.kind == "f":
            check_lossless(value, dtype)
            return value
        bits = _INTEGERS.get(dtype.name)
        if bits and isinstance(value, int) and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            return value
    name = {"object": "string", "float32": "float", "float64": "double"}.get(dtype.name, dtype.name)
    raise invalid(f"JSON Value: {text_of(value)} Type: {type_of(value)} is not of expected type: {name}")


def check_lossless(value: float, dtype: "np.dtype[Any]") -> None:
    """Raises INVALID_ARGUMENT for a number that the type cannot hold (`IsLosslessDecimal`)."""
    digits = np.finfo(dtype).nmant + 1
    if isinstance(value, int):
        lossless = abs(value) <= 2**digits - 1
    else:
        lossless = not np.isfinite(value) or abs(value) <= np.finfo(dtype).max
    if not lossless:
        name = "float" if dtype == np.float32 else "double"
        raise invalid(f"Cannot convert JSON value: {text_of(value)} to {name} without loss of precision.")


def _shape(array: np.ndarray) -> str:
    return f"[{','.join(map(str, array.shape))}]"
