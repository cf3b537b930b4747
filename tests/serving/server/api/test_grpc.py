import time

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
    from easel_serving.server.api import grpc_api

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


def raw(channel, data, method="/tensorflow.serving.PredictionService/Predict", **options):
    return channel.unary_unary(method)(data, timeout=20, **options)


def test_what_is_no_message_and_what_is_none_is_the_clients_fault(channel):
    for data, code in ((b"\xff" * 9, "INVALID_ARGUMENT"), (b"", "NOT_FOUND")):
        with pytest.raises(grpc.RpcError) as error:
            raw(channel, data)
        assert error.value.code().name == code
    with pytest.raises(grpc.RpcError) as error:
        raw(channel, b"", method="/tensorflow.serving.PredictionService/MultiInference")
    assert error.value.code().name == "UNIMPLEMENTED"


def test_a_compressed_message_is_not_unpacked(core):
    from easel_serving.server.api import grpc_api

    server, port = grpc_api.serve(core, "127.0.0.1", 0, threads=2)
    with grpc.insecure_channel(f"127.0.0.1:{port}", compression=grpc.Compression.Gzip) as channel:
        with pytest.raises(grpc.RpcError) as error:
            raw(channel, bytes(50 << 20))  # 50 kB on their way
        assert error.value.code().name == "UNIMPLEMENTED"
    server.stop(0).wait()


@pytest.fixture
def guarded(core, monkeypatch):
    """A server that wants a key and takes messages of 1 MiB, with what was parsed of them."""
    import dataclasses

    from easel_serving.server.api import grpc_api, rpc_door
    from easel_serving.server.limits.bounds import Budget

    parsed, limits = (
        [],
        dataclasses.replace(core.limits, request_bytes=1 << 20, pending_bytes=2 << 20, body_seconds=0.5),
    )
    parse = rpc_door._parsed
    monkeypatch.setattr(rpc_door, "_parsed", lambda kind, data: parsed.append(len(data)) or parse(kind, data))
    monkeypatch.setattr(core, "limits", limits)
    monkeypatch.setattr(core, "budget", Budget(2 << 20))
    server, port = grpc_api.serve(core, "127.0.0.1", 0, threads=8, api_keys=["a-key-of-enough-characters"])
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel, parsed
    server.stop(0).wait()


KEY = [("authorization", "Bearer a-key-of-enough-characters")]


def test_the_key_and_the_budget_are_looked_at_before_a_message_is_parsed(guarded, core):
    channel, parsed = guarded
    with pytest.raises(grpc.RpcError) as error:
        raw(channel, bytes(900_000))
    assert error.value.code().name == "UNAUTHENTICATED"
    with core.budget.hold() as hold:
        hold.grow(3 << 19)
        with pytest.raises(grpc.RpcError) as error:
            raw(channel, bytes(900_000), metadata=KEY)
        assert error.value.code().name == "RESOURCE_EXHAUSTED"
    assert parsed == []
    with pytest.raises(grpc.RpcError) as error:
        raw(channel, bytes(900_000), metadata=KEY)
    assert (error.value.code().name, parsed) == ("INVALID_ARGUMENT", [900_000])
    assert core.budget._held == 0


def test_messages_that_never_arrive_are_cut_off_when_others_wait(guarded):
    """Two may be on their way at once here, and these two send nothing."""
    import queue

    channel, _ = guarded
    silence = queue.Queue()
    method = channel.stream_unary("/tensorflow.serving.PredictionService/Predict")
    stuck = [method.future(iter(silence.get, None), metadata=KEY) for _ in range(2)]
    photos = get_model_status_pb2.GetModelStatusRequest()
    photos.model_spec.name = "photos"
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    deadline = time.monotonic() + 20
    while not any(call.done() for call in stuck) and time.monotonic() < deadline:
        assert stub.GetModelStatus(photos, metadata=KEY, timeout=20).model_version_status[0].version == 1
    assert any(call.done() for call in stuck)
    for call in stuck:
        call.cancel()
        silence.put(None)


def test_an_error_of_our_own_tells_nothing_of_it(predictions, core, monkeypatch, caplog):
    def fails(*_):
        raise RuntimeError("the password is 1234")

    monkeypatch.setattr(core, "run_blocking", fails)
    with pytest.raises(grpc.RpcError) as error:
        predictions.Predict(predict(image_bytes=[b"x"]))
    assert (error.value.code().name, error.value.details()) == ("INTERNAL", "Internal error; see the server's log")
    assert "the password is 1234" in caplog.text
