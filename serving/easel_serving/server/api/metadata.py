"""Model metadata as TensorFlow Serving prints it (`ToJsonString` in http_rest_api_util.cc)."""

from typing import Any

from easel_serving.server.loading.core import Address, Core

_TYPES = (
    *("INVALID", "FLOAT", "DOUBLE", "INT32", "UINT8", "INT16", "INT8", "STRING", "COMPLEX64", "INT64", "BOOL"),
    *("QINT8", "QUINT8", "QINT32", "BFLOAT16", "QINT16", "QUINT16", "UINT16", "COMPLEX128", "HALF", "RESOURCE"),
    *("VARIANT", "UINT32", "UINT64"),
)
"""`DataType` in tensorflow/core/framework/types.proto, by number: the TFLite runtime has no TensorFlow to ask."""


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
        "dtype": f"DT_{_TYPES[info.dtype]}",
        "tensor_shape": {
            "dim": [{"size": str(dim.size), "name": dim.name} for dim in shape.dim],
            "unknown_rank": shape.unknown_rank,
        },
        "name": info.name,
    }
