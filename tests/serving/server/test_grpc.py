import pytest

grpc = pytest.importorskip("grpc")
pytest.importorskip("tensorflow_serving")

import tensorflow as tf  # noqa: E402
from google.protobuf import text_format  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)


@pytest.fixture(scope="module")
def channel(core):
    from easel_serving.server import grpc_api

    server, port = grpc_api.serve(core, "127.0.0.1", 0, threads=4)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as made:
        yield made
    server.stop(0).wait()


@pytest.fixture
def predictions(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def predict(model="photos", signature="", label=None, version=None, **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    if label:
        request.model_spec.version_label = label
    if version:
        request.model_spec.version.value = version
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def test_predict(predictions, png):
    response = predictions.Predict(predict(label="stable", image_bytes=[png("red"), png("blue")]))
    assert (response.model_spec.version.value, response.model_spec.signature_name) == (1, "serving_default")
    assert tf.make_ndarray(response.outputs["label"]).tolist() == [b"red", b"blue"]
    request = predict(image_bytes=[png("red")])
    request.output_filter.append("scores")
    assert list(predictions.Predict(request).outputs) == ["scores"]


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (predict("nobody"), "NOT_FOUND", "Servable not found for request: Latest(nobody)"),
        (predict(version=7), "NOT_FOUND", "Servable not found for request: Specific(photos, 7)"),
        (predict(label="x"), "INVALID_ARGUMENT", "Unrecognized servable version label: x"),
        (predict(signature="x"), "FAILED_PRECONDITION", 'Serving signature key "x" not found.'),
        (predict(foo=[b"a"]), "INVALID_ARGUMENT", "input size does not match signature: 1!=1 len({foo}) != "
         "len({image_bytes}). Sent extra: {foo}. Missing but required: {image_bytes}."),
    ],
)  # fmt: skip
def test_predict_errors(request_, code, message, predictions):
    with pytest.raises(grpc.RpcError) as error:
        predictions.Predict(request_)
    assert (error.value.code().name, error.value.details()) == (code, message)


def test_classify_and_regress(predictions, png):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = "photos", "classify"
    example = request.input.example_list.examples.add()
    example.features.feature["image/encoded"].bytes_list.value.append(png("blue"))
    [row] = predictions.Classify(request).result.classifications
    assert [(item.label, item.score) for item in row.classes] == [("blue", 1.0), ("red", 0.0)]
    with pytest.raises(grpc.RpcError) as error:
        predictions.Regress(regression_pb2.RegressionRequest(model_spec=request.model_spec))
    assert error.value.details() == "Expected one output Tensor."


def test_metadata(predictions):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "painter"
    response = predictions.GetModelMetadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def["stylize"].inputs) == {"content_bytes", "style_code"}


def test_model_service(channel, serving):
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    photos = get_model_status_pb2.GetModelStatusRequest()
    photos.model_spec.name = "photos"
    [status] = stub.GetModelStatus(photos).model_version_status
    assert (status.version, status.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    text = (serving / "models.config").read_text()
    request = text_format.Parse(f"config {{ {text} }}", model_management_pb2.ReloadConfigRequest())
    assert stub.HandleReloadConfigRequest(request).status.error_code == 0
    assert stub.GetModelStatus(photos).model_version_status[0].state == status.state
    request.config.model_config_list.config[0].base_path = "/models/.."
    with pytest.raises(grpc.RpcError) as error:
        stub.HandleReloadConfigRequest(request)
    assert "cannot name a model" in error.value.details()
