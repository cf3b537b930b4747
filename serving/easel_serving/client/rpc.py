"""The gRPC transports. They send one request once; when to try again is decided by `retry`."""

from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from easel_serving.client.calls import Call
from easel_serving.client.errors import RequestError
from easel_serving.client.options import Options
from easel_serving.client.results import VersionStatus

_ARGUMENTS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class _Connection:
    """A channel of `grpc`, or of `grpc.aio`, and what is called over it."""

    def __init__(self, server: str, options: Options, channels: Any):
        self._server = server
        self._metadata = [("authorization", f"Bearer {options.api_key}")] if options.api_key else []
        scheme, _, target = server.partition("://")
        if scheme == "grpc":
            self._channel = channels.insecure_channel(target, _ARGUMENTS)
        else:
            ca = Path(options.ca).read_bytes() if options.ca else None
            self._channel = channels.secure_channel(target, grpc.ssl_channel_credentials(ca), _ARGUMENTS)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)


class GrpcTransport(_Connection):
    """TensorFlow Serving's PredictionService and ModelService."""

    def __init__(self, server: str, options: Options):
        super().__init__(server, options, grpc)

    def predict(self, call: Call, timeout: float) -> dict[str, np.ndarray]:
        """See `rest.Transport`."""
        return _outputs(self._send(self._predictions.Predict, _predict(call), timeout), call)

    def versions(self, model: str, timeout: float) -> list[VersionStatus]:
        """See `rest.Transport`."""
        return _statuses(self._send(self._models.GetModelStatus, _status(model), timeout))

    def close(self) -> None:
        """See `rest.Transport`."""
        self._channel.close()

    def _send(self, method: Any, request: Any, timeout: float) -> Any:
        try:
            return method(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _failed(self._server, error) from None


class AsyncGrpcTransport(_Connection):
    """TensorFlow Serving's PredictionService and ModelService, for coroutines."""

    def __init__(self, server: str, options: Options):
        super().__init__(server, options, grpc.aio)

    async def predict(self, call: Call, timeout: float) -> dict[str, np.ndarray]:
        """See `rest.Transport`."""
        return _outputs(await self._send(self._predictions.Predict, _predict(call), timeout), call)

    async def versions(self, model: str, timeout: float) -> list[VersionStatus]:
        """See `rest.Transport`."""
        return _statuses(await self._send(self._models.GetModelStatus, _status(model), timeout))

    async def close(self) -> None:
        """See `rest.Transport`."""
        await self._channel.close()

    async def _send(self, method: Any, request: Any, timeout: float) -> Any:
        try:
            return await method(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _failed(self._server, error) from None


def _predict(call: Call) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = call.model, call.signature
    if isinstance(call.version, int):
        request.model_spec.version.value = call.version
    elif call.version is not None:
        request.model_spec.version_label = call.version
    for name, value in call.inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def _status(model: str) -> get_model_status_pb2.GetModelStatusRequest:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = model
    return request


def _outputs(response: predict_pb2.PredictResponse, call: Call) -> dict[str, np.ndarray]:
    return {name: tf.make_ndarray(response.outputs[name]) for name in call.outputs}


def _statuses(response: get_model_status_pb2.GetModelStatusResponse) -> list[VersionStatus]:
    names = get_model_status_pb2.ModelVersionStatus.State
    return [
        VersionStatus(entry.version, names.Name(entry.state), entry.status.error_message)
        for entry in response.model_version_status
    ]


def _failed(server: str, error: grpc.RpcError) -> RequestError:
    return RequestError(server, error.code().name, error.details() or "no details")
