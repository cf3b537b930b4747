"""TensorFlow Serving's gRPC services: PredictionService (Predict, GetModelMetadata, Classify) and ModelService."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from easel_serving.protocol import messages
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import invalid
from easel_serving.server.api.rest import check_classify, check_regress
from easel_serving.server.api.rpc_door import Door
from easel_serving.server.loading.core import Address, Core, classifications

_ERROR_UNKNOWN = 2


class PredictionService:
    """Predict, GetModelMetadata, Classify; Regress refuses as TensorFlow Serving does for these models.

    Each method takes a request and returns a response, or raises StatusError.
    """

    def __init__(self, core: Core):
        self._core = core

    def Predict(self, request: Any) -> Any:
        """Runs a signature; `output_filter` selects outputs."""
        response = predict_pb2.PredictResponse()
        with self._request(request, "Predict") as (version, servable):
            limit = self._core.limits.request_bytes
            inputs = {name: _array(name, proto, limit) for name, proto in request.inputs.items()}
            outputs = self._core.run_blocking(servable, request.model_spec.signature_name, inputs)
            for name in _filtered(request.output_filter, outputs):
                response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name]))
            _fill_spec(response.model_spec, request, version)
        return response

    def Classify(self, request: Any) -> Any:
        """Runs a classification signature on Examples."""
        response = classification_pb2.ClassificationResponse()
        with self._request(request, "Classify") as (version, servable):
            check_classify(servable, request.model_spec.signature_name)
            serialized = _examples(request.input)
            inputs = {"inputs": np.array(serialized, dtype=object)}
            outputs = self._core.run_blocking(servable, request.model_spec.signature_name, inputs)
            for row in classifications(outputs, len(serialized)):
                classes = response.result.classifications.add().classes
                for label, score in row:
                    classes.add(label=label.decode(), score=float(score))
            _fill_spec(response.model_spec, request, version)
        return response

    def Regress(self, request: Any) -> Any:
        """Always an error."""
        with self._request(request, "Regress") as (_, servable):
            check_regress(servable, request.model_spec.signature_name)

    def GetModelMetadata(self, request: Any) -> Any:
        """The signatures; `metadata_field` must be `signature_def`."""
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        unknown = [field for field in request.metadata_field if field != "signature_def"]
        if unknown:
            # The source gives a format to a function that concatenates.
            raise invalid(f"Metadata field %s is not supported{unknown[0]}")
        with self._core.use(_address(request)) as (version, servable):
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signature_defs)
        response.metadata["signature_def"].Pack(signatures)
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = version
        return response

    @contextlib.contextmanager
    def _request(self, request: Any, api: str) -> Iterator[tuple[int, Any]]:
        address = _address(request)
        with self._core.counted(api, "GRPC", address.model) as who, self._core.use(address) as (version, servable):
            who["version"] = str(version)
            yield version, servable


class ModelService:
    """GetModelStatus and HandleReloadConfigRequest; methods as in `PredictionService`."""

    def __init__(self, core: Core):
        self._core = core

    def GetModelStatus(self, request: Any) -> Any:
        """The state of one or all versions of a model."""
        response = get_model_status_pb2.GetModelStatusResponse()
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        address = _address(request)
        for version, state, error in self._core.manager.states(address.model, address.version):
            status = response.model_version_status.add(version=version)
            status.state = get_model_status_pb2.ModelVersionStatus.State.Value(state)
            status.status.error_code = _ERROR_UNKNOWN if error else 0
            status.status.error_message = error
        return response

    def HandleReloadConfigRequest(self, request: Any) -> Any:
        """Follows the request's configuration, until `models.config` changes; returns when its versions are loaded."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is "
                "currently supported"
            )
        message = messages.decode(request.config.SerializeToString(), messages.ModelServerConfig)
        try:
            self._core.manager.reload(list(message.model_config_list.config))
        except ServingError as error:
            raise invalid(str(error)) from None
        return model_management_pb2.ReloadConfigResponse()


_METHODS = {
    PredictionService: {
        "Predict": predict_pb2.PredictRequest,
        "Classify": classification_pb2.ClassificationRequest,
        "Regress": regression_pb2.RegressionRequest,
        "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
    },
    ModelService: {
        "GetModelStatus": get_model_status_pb2.GetModelStatusRequest,
        "HandleReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
    },
}


def serve(
    core: Core,
    host: str,
    port: int,
    threads: int = 32,
    api_keys: Sequence[str] = (),
    tls: tuple[bytes, bytes] | None = None,
) -> tuple[grpc.Server, int]:
    """Starts the services; returns the server and its port (chosen by the system for port 0).

    Args:
        core: the models.
        host: the address to listen on.
        port: 0 for any.
        threads: requests that are answered at once; as many again wait, more are refused.
        api_keys: one of them must every request bring in its metadata; none ask for nothing.
        tls: private key and certificate chain in PEM.
    """
    size = core.limits.request_bytes
    server = grpc.server(
        futures.ThreadPoolExecutor(threads),
        options=[
            ("grpc.max_receive_message_length", size),
            ("grpc.max_send_message_length", size),
            # What a compressed message unpacks to is not bounded by its length.
            ("grpc.compression_enabled_algorithms_bitset", 1 << grpc.Compression.NoCompression),
        ],
        maximum_concurrent_rpcs=2 * threads,
    )
    door = Door(core, api_keys)
    for service, methods in _METHODS.items():
        functions = service(core)
        full = f"tensorflow.serving.{service.__name__}"
        handlers = {
            name: door.method(f"/{full}/{name}", kind, getattr(functions, name)) for name, kind in methods.items()
        }
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(full, handlers)])
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if tls:
        bound = server.add_secure_port(address, grpc.ssl_server_credentials([tls]))
    else:
        bound = server.add_insecure_port(address)
    server.start()
    return server, bound


def _array(name: str, proto: Any, limit: int) -> np.ndarray:
    """A tensor of a request. A shape that promises more than a message can hold is not believed."""
    shape = [dim.size for dim in proto.tensor_shape.dim]
    try:
        small = math.prod(shape) * max(1, tf.dtypes.as_dtype(proto.dtype).size) <= limit
        if small and min(shape, default=0) >= 0 and not proto.tensor_shape.unknown_rank:
            return tf.make_ndarray(proto)
    except (ValueError, TypeError, KeyError, OverflowError, RuntimeError):
        pass
    raise invalid(f"tensor parsing error: {name}")  # GetInputValues in tensorflow/cc/saved_model/util.cc


def _address(request: Any) -> Address:
    spec = request.model_spec
    choice = spec.WhichOneof("version_choice")
    return Address(
        spec.name,
        version=spec.version.value if choice == "version" else None,
        label=spec.version_label if choice == "version_label" else None,
    )


def _fill_spec(spec: Any, request: Any, version: int) -> None:
    spec.name = request.model_spec.name
    spec.signature_name = request.model_spec.signature_name or "serving_default"
    spec.version.value = version


def _filtered(wanted: Any, outputs: Any) -> list[str]:
    chosen: dict[str, None] = {}
    for name in wanted:
        if name not in outputs:
            known = ",".join(sorted(outputs))
            raise invalid(
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set {{{known}}}."
            )
        if name in chosen:
            raise invalid(f"duplicate output tensor alias: {name}")
        chosen[name] = None
    return list(chosen) or sorted(outputs)


def _examples(source: Any) -> list[bytes]:
    kind = source.WhichOneof("kind")
    if kind == "example_list_with_context":
        examples = []
        for example in source.example_list_with_context.examples:
            merged = type(example).FromString(source.example_list_with_context.context.SerializeToString())
            merged.MergeFrom(example)
            examples.append(merged)
    else:
        examples = list(source.example_list.examples)
    if not examples:
        raise invalid("Input is empty.")
    return [example.SerializeToString() for example in examples]
