"""TensorFlow Serving's gRPC services: PredictionService (Predict, GetModelMetadata, Classify) and ModelService."""

import contextlib
from collections.abc import Iterator
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
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from easel_serving.server.core import Address, Core, classifications
from easel_serving.server.rest import MAX_BODY, check_classify, check_regress
from easel_serving.server.status import StatusError, invalid

_ERROR_UNKNOWN = 2


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, GetModelMetadata, Classify; Regress refuses as TensorFlow Serving does for these models."""

    def __init__(self, core: Core):
        self._core = core

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Runs a signature; `output_filter` selects outputs."""
        response = predict_pb2.PredictResponse()
        with self._request(request, context, "Predict") as (version, servable):
            try:
                inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            except (ValueError, TypeError) as error:
                raise invalid(str(error)) from None
            outputs = self._core.run_blocking(servable, request.model_spec.signature_name, inputs)
            for name in _filtered(request.output_filter, outputs):
                response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name]))
            _fill_spec(response.model_spec, request, version)
        return response

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Runs a classification signature on Examples."""
        response = classification_pb2.ClassificationResponse()
        with self._request(request, context, "Classify") as (version, servable):
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

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Always an error."""
        with self._request(request, context, "Regress") as (_, servable):
            check_regress(servable, request.model_spec.signature_name)

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The signatures; `metadata_field` must be `signature_def`."""
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with _aborting(context):
            if not request.metadata_field:
                raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
            unknown = [field for field in request.metadata_field if field != "signature_def"]
            if unknown:
                raise invalid(f"Metadata field {unknown[0]} is not supported")
            with self._core.use(_address(request)) as (version, servable):
                signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signature_defs)
            response.metadata["signature_def"].Pack(signatures)
            response.model_spec.name = request.model_spec.name
            response.model_spec.version.value = version
        return response

    @contextlib.contextmanager
    def _request(self, request: Any, context: grpc.ServicerContext, api: str) -> Iterator[tuple[int, Any]]:
        with _aborting(context), self._core.metrics.request(api, "GRPC") as who:
            address = _address(request)
            who["model_name"] = address.model
            with self._core.use(address) as (version, servable):
                who["version"] = str(version)
                yield version, servable


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, core: Core):
        self._core = core

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The state of one or all versions of a model."""
        response = get_model_status_pb2.GetModelStatusResponse()
        with _aborting(context):
            if not request.HasField("model_spec"):
                raise invalid("Missing ModelSpec")
            address = _address(request)
            for version, state, error in self._core.manager.states(address.model, address.version, address.label):
                status = response.model_version_status.add(version=version)
                status.state = get_model_status_pb2.ModelVersionStatus.State.Value(state)
                status.status.error_code = _ERROR_UNKNOWN if error else 0
                status.status.error_message = error
        return response

    def HandleReloadConfigRequest(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Reads `models.config` again, now; the configuration in the request is the file's and not taken from here."""
        with _aborting(context):
            self._core.manager.refresh()
        return model_management_pb2.ReloadConfigResponse()


def serve(core: Core, host: str, port: int, threads: int = 32) -> tuple[grpc.Server, int]:
    """Starts the services; returns the server and its port (chosen by the system for port 0)."""
    limits = [("grpc.max_receive_message_length", MAX_BODY), ("grpc.max_send_message_length", MAX_BODY)]
    server = grpc.server(futures.ThreadPoolExecutor(threads), options=limits, maximum_concurrent_rpcs=4 * threads)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(core), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(core), server)
    bound = server.add_insecure_port(f"{host}:{port}")
    server.start()
    return server, bound


@contextlib.contextmanager
def _aborting(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except StatusError as error:
        context.abort(grpc.StatusCode[error.code], str(error))


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
    for name in wanted:
        if name not in outputs:
            known = ",".join(sorted(outputs))
            raise invalid(
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set {{{known}}}."
            )
        if list(wanted).count(name) > 1:
            raise invalid(f"duplicate output tensor alias: {name}")
    return list(wanted) or sorted(outputs)


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
