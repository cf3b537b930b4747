"""JSON as TensorFlow Serving reads and writes it: RapidJSON's messages, and decimals that read back as they were.

Follows tensorflow_serving/util/json_tensor.cc (`ParseJson`, `WriteDecimal`, `JsonValueToString`).
"""

import binascii
import json
import math
from typing import Any

import numpy as np

from easel_serving.protocol.status import invalid

_RAPIDJSON = {
    "Expecting value": "Invalid value.",
    "Expecting property name": "Missing a name for object member.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Illegal trailing comma before end of array": "Invalid value.",
    "Expecting ':'": "Missing a colon after a name of object member.",
    "Expecting ','": "Missing a comma or } after an object member.",
    "Extra data": "The document root must not be followed by other values.",
    "Unterminated string": "Missing a closing quotation mark in string.",
    "Invalid \\": "Invalid escape character in string.",
    "Invalid control": "Invalid encoding in string.",
}

_QUOTED = 16_384
"""Characters of a request that an error message quotes; a small deep document is gigabytes when it is indented."""


_PARTS = 1_000_000
"""Values in lists and objects: in memory each is some hundred bytes, in a request it may be two."""


def parse_object(body: bytes) -> dict[str, Any]:
    """The request body as a JSON object; raises INVALID_ARGUMENT with TensorFlow Serving's message."""
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    if sum(map(body.count, b",[{")) > _PARTS:
        raise invalid(f"The document has more than {_PARTS} parts")
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_int=_whole)
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid encoding in string. at offset: {error.start}") from None
    except json.JSONDecodeError as error:
        text = next(
            (text for start, text in _RAPIDJSON.items() if error.msg.startswith(start)), "Unspecific syntax error."
        )
        raise invalid(f"JSON Parse error: {text} at offset: {error.pos}") from None
    except RecursionError:
        raise invalid("JSON Parse error: Terminate parsing due to Handler error. at offset: 0") from None
    except (ValueError, OverflowError):  # ValueError: Python's own limit on the digits of a whole number
        raise invalid("JSON Parse error: Number too big to be stored in double. at offset: 0") from None
    if b"\\ud" in body.lower():
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise invalid("JSON Parse error: The surrogate pair in string is invalid. at offset: 0") from None
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {text_of(document)} Is not object")
    return document


def _whole(text: str) -> int | float:
    """A whole number; one outside 64 bits is a double, as in RapidJSON."""
    number = int(text)
    return number if -(2**63) <= number < 2**64 else float(number)


def text_of(value: Any) -> str:
    """A JSON value as it appears in error messages: indented by four, and cut when it is very long."""
    text = ""
    try:
        for part in json.JSONEncoder(indent=4, ensure_ascii=False).iterencode(value):
            text += part
            if len(text) > _QUOTED:
                return text[:_QUOTED] + " ..."
    except RecursionError:
        return text + " ..."
    return text


def type_of(value: Any) -> str:
    """RapidJSON's name of a value's type."""
    if isinstance(value, bool):
        return str(value)
    names = {type(None): "Null", dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")


def is_base64(value: Any) -> bool:
    """Whether the value is `{"b64": "..."}` and nothing else."""
    return isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)


def decode_base64(value: Any) -> bytes:
    """The bytes of `{"b64": "..."}`; padding may be missing, as Abseil's decoder allows."""
    if not is_base64(value):
        raise invalid(f"JSON Value: {text_of(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        data = binascii.a2b_base64(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None
    # The decoder passes over characters that are none of its own: what it made is then too short. This is twice as fast
    # as `base64.b64decode(validate=True)`.
    if len(text) % 4 == 1 or len(data) != len(text) * 3 // 4:
        raise invalid("Unable to base64 decode")
    return data


def decimal(value: float, dtype: type = np.float32) -> str:
    """The shortest of six significant digits or all of them that reads back as the same number; whole ones get `.0`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = f"{value:.6g}"
    if dtype(text) != value:
        text = f"{value:.{9 if dtype is np.float32 else 17}g}"
    return text if "." in text or "e" in text else text + ".0"


def render(value: Any) -> str:
    """JSON text of nested dicts, lists and numpy scalars; floats by `decimal`, bytes as UTF-8 strings."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {render(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple, np.ndarray)):
        return "[" + ", ".join(map(render, value)) + "]"
    if isinstance(value, (np.floating, float)):
        return decimal(value, np.float64 if isinstance(value, float) else np.float32)
    if isinstance(value, np.integer):
        return str(int(value))
    if isinstance(value, np.bool_):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return json.dumps(value.decode("utf-8", "replace"), ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)
