"""Calls and answers as the JSON and the addresses of TensorFlow Serving's REST API ("RESTful API", column format)."""

import base64
import json
from typing import Any

import numpy as np

from easel_serving.client.calls import Call
from easel_serving.client.results import VersionStatus


def path(model: str, version: int | str | None) -> str:
    """`/v1/models/NAME`, with the version or the label."""
    where = "" if version is None else f"/{'versions' if isinstance(version, int) else 'labels'}/{version}"
    return f"/v1/models/{model}{where}"


def body(call: Call) -> bytes:
    """The JSON of a predict request."""
    inputs = {name: _plain(value) for name, value in call.inputs.items()}
    return json.dumps({"signature_name": call.signature, "inputs": inputs}).encode()


def outputs(document: Any, call: Call) -> dict[str, np.ndarray]:
    """The tensors of a predict response; a signature's only output comes without its name.

    Raises:
        ValueError, KeyError, TypeError: the document is no answer to this call.
    """
    values = document["outputs"]
    if len(call.outputs) == 1:
        values = {call.outputs[0]: values}
    return {name: _tensor(values[name]) for name in call.outputs}


def statuses(document: Any) -> list[VersionStatus]:
    """The versions in a model status response."""
    return [
        VersionStatus(int(entry["version"]), entry["state"], entry["status"].get("error_message", ""))
        for entry in document["model_version_status"]
    ]


def _plain(value: np.ndarray) -> list:
    if value.dtype == object:
        return [{"b64": base64.b64encode(item).decode()} for item in value]
    return value.tolist()


def _tensor(value: Any) -> np.ndarray:
    if isinstance(value, list) and value and not _is_number(value):
        flat: list[bytes] = []
        shape = _strings(value, flat)
        tensor = np.empty(len(flat), object)
        tensor[:] = flat
        return tensor.reshape(shape)
    return np.array(value, np.float32)


def _is_number(value: Any) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, (int, float))


def _strings(value: Any, flat: list[bytes]) -> list[int]:
    """Appends the leaves of nested lists to `flat`; the shape."""
    if isinstance(value, list):
        shapes = [_strings(item, flat) for item in value]
        return [len(value), *shapes[0]]
    flat.append(base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode())
    return []
