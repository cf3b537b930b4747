"""`tf.Example`s as requests bring them."""

from typing import Any

from easel_serving.protocol import messages
from easel_serving.protocol.status import invalid


def parse(data: bytes) -> Any:
    """The Example in its bytes, without the fields that nobody knows.

    Raises:
        StatusError: INVALID_ARGUMENT, the bytes are no Example.
    """
    try:
        example = messages.decode(data, messages.Example)
    except ValueError:
        raise invalid("Could not parse example input") from None
    example.DiscardUnknownFields()
    return example


def bytes_feature(data: bytes, name: str) -> bytes:
    """The one value of a feature in an Example.

    Raises:
        StatusError: INVALID_ARGUMENT, the bytes are no Example, or the feature is not there or has not one value.
    """
    features = parse(data).features.feature
    values = features[name].bytes_list.value if name in features else ()
    if len(values) != 1:
        raise invalid(f"Feature: {name} (data type: string) is required but has {len(values)} values.")
    return values[0]
