"""`tf.Example`s from the JSON of a classify or regress call, after `MakeExampleFromJsonObject` in json_tensor.cc."""

from typing import Any

import numpy as np

from easel_serving.protocol.messages import Example
from easel_serving.protocol.status import invalid
from easel_serving.server.api.json_tensors import check_lossless, parse_request
from easel_serving.server.api.json_values import decode_base64, is_base64, text_of, type_of


def classify_request(body: bytes) -> tuple[str, list[bytes]]:
    """The signature's name ("" for the default) and the serialized Examples, the context merged into each."""
    document, signature = parse_request(body)
    context = _example(document["context"]) if "context" in document else Example()
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {text_of(document)} When method is classify, key 'examples' is expected and was not found"
        )
    values = document["examples"]
    if not isinstance(values, list):
        raise invalid(f"JSON Value: {text_of(document)} Expecting 'examples' value to be an list/array")
    if not values:
        raise invalid(f"JSON Value: {text_of(document)} 'examples' value is an empty array")
    return signature, [_merged(context, _example(value)) for value in values]


def _merged(context: Any, example: Any) -> bytes:
    """The context's features and the example's own, which go before."""
    merged = Example()
    merged.CopyFrom(context)
    merged.MergeFrom(example)
    return merged.SerializeToString()


def _example(value: Any) -> Any:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_of(value)}")
    example = Example()
    for name, content in value.items():
        _fill(example.features.feature[name], name, content)
    return example


def _fill(feature: Any, name: str, content: Any) -> None:
    kind, values = "", []
    for item in content if isinstance(content, list) else [content]:
        found, value = _value(name, item)
        if kind not in ("", found):
            raise invalid(f"Unexpected element type in feature: {name} expecting type: {kind.removesuffix('_list')}")
        kind = found
        values.append(value)
    if kind:
        getattr(feature, kind).value.extend(values)


def _value(name: str, value: Any) -> tuple[str, Any]:
    if value is None or isinstance(value, list) or (isinstance(value, dict) and not is_base64(value)):
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_of(value)}")
    if isinstance(value, dict):
        return "bytes_list", decode_base64(value)
    if isinstance(value, str):
        return "bytes_list", value.encode()
    if isinstance(value, float):
        check_lossless(value, np.dtype(np.float32))
        return "float_list", value
    if value >= 2**63:
        raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
    return "int64_list", int(value)
