"""`tf.Example`s from the JSON of a classify or regress call, after `MakeExampleFromJsonObject` in json_tensor.cc."""

from collections.abc import Mapping
from typing import Any

from tensorflow.core.example import example_pb2, feature_pb2

from easel_serving.server.json_tensors import signature_name
from easel_serving.server.json_values import decode_base64, is_base64, parse_object, text_of, type_of
from easel_serving.server.status import invalid


def classify_request(body: bytes) -> tuple[str, list[bytes]]:
    """The signature's name ("" for the default) and the serialized Examples, the context merged into each."""
    document = parse_object(body)
    signature = signature_name(document)
    context = _example(document["context"]) if "context" in document else None
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {text_of(document)} When method is classify, key 'examples' is expected and was not found"
        )
    values = document["examples"]
    if not isinstance(values, list):
        raise invalid(f"JSON Value: {text_of(document)} Expecting 'examples' value to be an list/array")
    if not values:
        raise invalid(f"JSON Value: {text_of(document)} 'examples' value is an empty array")
    examples = [_example(value) for value in values]
    if context is not None:
        for example in examples:
            for name, feature in context.features.feature.items():
                if name not in example.features.feature:
                    example.features.feature[name].CopyFrom(feature)
    return signature, [example.SerializeToString() for example in examples]


def _example(value: Any) -> example_pb2.Example:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_of(value)}")
    return example_pb2.Example(features=feature_pb2.Features(feature=_features(value)))


def _features(value: Mapping[str, Any]) -> dict[str, feature_pb2.Feature]:
    features = {}
    for name, content in value.items():
        feature = feature_pb2.Feature()
        for item in content if isinstance(content, list) else [content]:
            _add(item, name, feature)
        features[name] = feature
    return features


def _add(value: Any, name: str, feature: feature_pb2.Feature) -> None:
    if value is None or isinstance(value, list) or (isinstance(value, dict) and not is_base64(value)):
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_of(value)}")
    if isinstance(value, (dict, str)):
        kind, item = "bytes_list", decode_base64(value) if isinstance(value, dict) else value.encode()
    elif isinstance(value, float):
        kind, item = "float_list", value
    else:
        kind, item = "int64_list", int(value)
        if not -(2**63) <= item < 2**63:
            raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
    known = feature.WhichOneof("kind")
    if known not in (None, kind):
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {known.removesuffix('_list')}")
    getattr(feature, kind).value.append(item)
