"""Model metadata as TensorFlow Serving prints it (`ToJsonString` in http_rest_api_util.cc)."""

from typing import Any

from tensorflow.core.framework import types_pb2

from easel_serving.server.core import Address, Core


def as_json(core: Core, address: Address) -> dict[str, Any]:
    """`{"model_spec": ..., "metadata": {"signature_def": {"signature_def": {...}}}}` of the version that answers."""
    with core.use(address) as (version, servable):
        signatures = {name: _signature(definition) for name, definition in sorted(servable.signature_defs.items())}
    return {
        "model_spec": {"name": address.model, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _signature(definition: Any) -> dict[str, Any]:
    return {
        "inputs": {name: _tensor(info) for name, info in sorted(definition.inputs.items())},
        "outputs": {name: _tensor(info) for name, info in sorted(definition.outputs.items())},
        "method_name": definition.method_name,
        "defaults": {},
    }


def _tensor(info: Any) -> dict[str, Any]:
    shape = info.tensor_shape
    return {
        "dtype": types_pb2.DataType.Name(info.dtype),
        "tensor_shape": {
            "dim": [{"size": str(dim.size), "name": dim.name} for dim in shape.dim],
            "unknown_rank": shape.unknown_rank,
        },
        "name": info.name,
    }
