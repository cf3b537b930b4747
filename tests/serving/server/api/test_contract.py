"""The table of REST and gRPC calls and TensorFlow Serving's answers.

Each row names the source file of TensorFlow Serving (under tensorflow_serving/, or TensorFlow's own) that its answer
follows. `R` and `B` stand for a red and a blue picture. The same table runs against a real one: write its directory
with `python -m tests.serving.tiny DIRECTORY`, start it as README.md says with `--enable_batching
--batching_parameters_file=/models/batching.config`, and set EASEL_CONTRACT_REST=http://HOST:8501 and
EASEL_CONTRACT_GRPC=HOST:8500.
"""

import json
import os

import pytest

UTIL = "model_servers/http_rest_api_util.cc"
HANDLER = "model_servers/http_rest_api_handler.cc"
TENSOR = "util/json_tensor.cc"
STATUS = "model_servers/get_model_status_impl.cc"
CORE = "model_servers/server_core.cc"
MANAGER = "core/basic_manager.cc"
CLASSIFIER = "servables/tensorflow/classifier.cc"
REGRESSOR = "servables/tensorflow/regressor.cc"
BATCHING = "batching/batching_session.cc"
SCHEDULER = "tensorflow/core/kernels/batching_util/shared_batch_scheduler.h"
PREDICT_UTIL = "servables/tensorflow/predict_util.cc"
METADATA = "servables/tensorflow/get_model_metadata_impl.cc"
SERVICE = "model_servers/model_service_impl.cc"
INPUT = "servables/tensorflow/util.cc"

RED = {"classes": ["blue", "red"], "label": "red", "scores": [0.0, 1.0]}
BLUE = {"classes": ["blue", "red"], "label": "blue", "scores": [1.0, 0.0]}
AVAILABLE = {
    "model_version_status": [
        {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    ]
}
NOT_LATEST = {"error": "Servable not found for request: Latest(nobody)"}

PREDICT = "/v1/models/photos:predict"
PAINT = "/v1/models/painter:predict"
CLASSIFY = "/v1/models/photos:classify"
ROW = {"instances": [{"image_bytes": "R"}]}


def shown(value):
    """A value as TensorFlow Serving's messages show it: RapidJSON's PrettyWriter."""
    return json.dumps(value, indent=4)


# (source, method, path, body, status, answer); a body that is a string is sent as it is
TABLE = [
    # which model, version, label
    (HANDLER, "GET", "/v1/models/photos", None, 200, AVAILABLE),
    (HANDLER, "GET", "/v1/models/photos/versions/1", None, 200, AVAILABLE),
    (UTIL, "GET", "/v1/models/photos/labels/stable", None, 200, AVAILABLE),
    (UTIL, "GET", "/V1/Models/photos", None, 200, AVAILABLE),
    (UTIL, "GET", "/v1/models/%70hotos", None, 200, AVAILABLE),
    (STATUS, "GET", "/v1/models/nobody", None, 404, {"error": "Could not find any versions of model nobody"}),
    (STATUS, "GET", "/v1/models/photos/versions/9", None, 404, {"error": "Could not find version 9 of model photos"}),
    (STATUS, "GET", "/v1/models/photos/labels/nope", None, 200, AVAILABLE),  # the source looks at no label here
    (HANDLER, "GET", "/v1/models", None, 400, {"error": "Missing model name in request."}),
    (HANDLER, "GET", "/v1/models/", None, 400, {"error": "Malformed request: GET /v1/models/"}),
    (HANDLER, "GET", "/v1/models/a:b", None, 400, {"error": "Malformed request: GET /v1/models/a:b"}),
    (HANDLER, "GET", PREDICT, None, 400, {"error": f"Malformed request: GET {PREDICT}"}),
    (HANDLER, "POST", "/v1/models/photos", "{}", 400, {"error": "Malformed request: POST /v1/models/photos"}),
    (HANDLER, "POST", "/v1/models/photos:guess", "{}", 400,
     {"error": "Malformed request: POST /v1/models/photos:guess"}),
    (HANDLER, "DELETE", "/v1/models/photos", None, 400, {"error": "Malformed request: DELETE /v1/models/photos"}),
    (UTIL, "GET", f"/v1/models/photos/versions/{10**20}", None, 400,
     {"error": f"Failed to convert version: {10**20} to numeric."}),
    (MANAGER, "POST", "/v1/models/nobody:predict", ROW, 404, NOT_LATEST),
    (MANAGER, "GET", "/v1/models/nobody/metadata", None, 404, NOT_LATEST),
    (MANAGER, "POST", "/v1/models/photos/versions/9:predict", ROW, 404,
     {"error": "Servable not found for request: Specific(photos, 9)"}),
    (CORE, "POST", "/v1/models/photos/labels/nope:predict", ROW, 400,
     {"error": "Unrecognized servable version label: nope"}),
    # predict, row format
    (TENSOR, "POST", PREDICT, ROW, 200, {"predictions": [RED]}),
    (TENSOR, "POST", PREDICT, {"instances": ["R", "B"]}, 200, {"predictions": [RED, BLUE]}),
    (TENSOR, "POST", "/v1/models/photos/versions/1:predict", ROW, 200, {"predictions": [RED]}),
    (TENSOR, "POST", "/v1/models/photos/labels/stable:predict", ROW, 200, {"predictions": [RED]}),
    (TENSOR, "POST", PAINT, {"instances": [{"content_bytes": "a", "style_bytes": {"b64": "Yg"}, "strength": 0.5}]}, 200,
     {"predictions": [{"b64": "YXxifDAuNQ=="}]}),
    (TENSOR, "POST", PAINT, {"signature_name": "encode_style", "instances": ["abc"]}, 200,
     {"predictions": [[3.0, 0.3]]}),
    (TENSOR, "POST", PAINT, {"signature_name": "stylize",
     "instances": [{"content_bytes": "c", "style_code": [1, 2.5]}]}, 200, {"predictions": [{"b64": "Y3wx"}]}),
    # predict, columnar format
    (TENSOR, "POST", PREDICT, {"inputs": {"image_bytes": ["R", "B"]}}, 200,
     {"outputs": {"classes": [["blue", "red"]] * 2, "label": ["red", "blue"], "scores": [[0.0, 1.0], [1.0, 0.0]]}}),
    (TENSOR, "POST", PREDICT, {"inputs": ["B"]}, 200,
     {"outputs": {"classes": [["blue", "red"]], "label": ["blue"], "scores": [[1.0, 0.0]]}}),
    (TENSOR, "POST", PAINT, {"signature_name": "encode_style", "inputs": ["ab", ""]}, 200,
     {"outputs": [[2.0, 0.2], [0.0, 0.0]]}),
    (TENSOR, "POST", PREDICT, {"inputs": {"image_bytes": []}}, 200,
     {"outputs": {"classes": [], "label": [], "scores": []}}),
    # what is wrong with a predict request
    (TENSOR, "POST", PREDICT, "", 400, {"error": "JSON Parse error: The document is empty"}),
    (TENSOR, "POST", PREDICT, "nonsense", 400, {"error": "JSON Parse error: Invalid value. at offset: 0"}),
    (TENSOR, "POST", PREDICT, '{"instances": [1] "x": 2}', 400,
     {"error": "JSON Parse error: Missing a comma or } after an object member. at offset: 18"}),
    (TENSOR, "POST", PREDICT, "{1: 2}", 400,
     {"error": "JSON Parse error: Missing a name for object member. at offset: 1"}),
    (TENSOR, "POST", PREDICT, "[1]", 400, {"error": f"JSON Value: {shown([1])} Is not object"}),
    (TENSOR, "POST", PREDICT, "{}", 400, {"error": "Missing 'inputs' or 'instances' key"}),
    (TENSOR, "POST", PREDICT, {"signature_name": 5}, 400,
     {"error": f"JSON Value: {shown({'signature_name': 5})} not formatted correctly. "
      "'signature_name' key must be a string value."}),
    (HANDLER, "POST", PREDICT, {"signature_name": "x", "instances": [1]}, 400,
     {"error": 'Serving signature name: "x" not found in signature def'}),
    (TENSOR, "POST", PREDICT, {"instances": [1], "inputs": [1]}, 400,
     {"error": f"JSON Value: {shown({'instances': [1], 'inputs': [1]})} Not formatted correctly expecting only one of "
      "'inputs' or 'instances' keys to exist "}),
    (TENSOR, "POST", PREDICT, {"instances": 1}, 400,
     {"error": f"JSON Value: {shown({'instances': 1})} Excepting 'instances' to be an list/array"}),
    (TENSOR, "POST", PREDICT, {"instances": []}, 400,
     {"error": f"JSON Value: {shown({'instances': []})} No values in 'instances' array"}),
    (TENSOR, "POST", PREDICT, {"instances": [7]}, 400,
     {"error": "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: 7 Type: Number "
      "is not of expected type: string"}),
    (TENSOR, "POST", PREDICT, {"instances": [{"image": "R"}]}, 400,
     {"error": "Failed to process element: 0 key: image of 'instances' list. Error: INVALID_ARGUMENT: JSON object: "
      "does not have named input: image"}),
    (TENSOR, "POST", PREDICT, {"instances": [{}]}, 400,
     {"error": "Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal to: image_bytes"}),
    (TENSOR, "POST", PREDICT, {"instances": [{"image_bytes": {"b64": "!!"}}]}, 400,
     {"error": "Failed to process element: 0 key: image_bytes of 'instances' list. Error: INVALID_ARGUMENT: "
      "Unable to base64 decode"}),
    (TENSOR, "POST", PREDICT, {"instances": [{"image_bytes": {"b65": "x"}}]}, 400,
     {"error": "Failed to process element: 0 key: image_bytes of 'instances' list. Error: INVALID_ARGUMENT: "
      f"JSON Value: {shown({'b65': 'x'})} not formatted correctly for base64 data"}),
    (TENSOR, "POST", PREDICT, {"instances": [{"image_bytes": "R"}, ["R"]]}, 400,
     {"error": "Expecting object but got list at item 1 of input list"}),
    (TENSOR, "POST", PREDICT, {"instances": ["R", {"image_bytes": "R"}]}, 400,
     {"error": "Expecting value/list but got object at item 1 of input list"}),
    (TENSOR, "POST", PREDICT, {"instances": [["x"], ["y", "z"]]}, 400,
     {"error": "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 1 "
      "but got: 2"}),
    (TENSOR, "POST", PREDICT, {"instances": [["x"], "y"]}, 400,
     {"error": "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [1] but "
      "got: []"}),
    (TENSOR, "POST", PAINT, {"instances": ["x"]}, 400,
     {"error": "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
      "tensorinfo_map"}),
    (TENSOR, "POST", PAINT, {"inputs": ["x"]}, 400,
     {"error": "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
      "tensorinfo_map"}),
    (TENSOR, "POST", PAINT, {"inputs": {"content_bytes": ["x"], "strength": [1.0]}}, 400,
     {"error": "Missing named input: style_bytes in 'inputs' object."}),
    (TENSOR, "POST", PAINT, {"inputs": {"content_bytes": ["x"], "style_bytes": ["y"], "strength": [True]}}, 400,
     {"error": "JSON Value: true Type: True is not of expected type: float"}),
    (TENSOR, "POST", PAINT, {"inputs": {"content_bytes": ["x"], "style_bytes": ["y"], "strength": [2**24]}}, 400,
     {"error": f"Cannot convert JSON value: {2**24} to float without loss of precision."}),
    (TENSOR, "POST", PREDICT, {"inputs": [["x", "y"], ["z"]]}, 400,
     {"error": "Encountered list at unexpected size: 1 at level: 1 expected size: 2"}),
    (TENSOR, "POST", PREDICT, {"inputs": ["x", ["z"]]}, 400,
     {"error": "Encountered list at unexpected level: 1 expected < 1"}),
    (TENSOR, "POST", PREDICT, {"inputs": [["x"], "z"]}, 400,
     {"error": 'JSON Value: "z" found at incorrect level: 2 in the JSON DOM. Expected at level: 2'}),
    # what is wrong for the batcher
    (BATCHING, "POST", PREDICT, {"inputs": "R"}, 400,
     {"error": "Batching Run() input tensors must have at least one dimension"}),
    (BATCHING, "POST", PAINT, {"inputs": {"content_bytes": ["x", "y"], "style_bytes": ["z"], "strength": [1.0]}}, 400,
     {"error": "Batching Run() input tensors must have equal 0th-dimension size"}),
    (SCHEDULER, "POST", PREDICT, {"inputs": ["R"] * 17}, 400,
     {"error": "Task size 17 is larger than maximum input batch size 16"}),
    # classify and regress
    (CLASSIFIER, "POST", CLASSIFY, {"signature_name": "classify", "examples": [{"image/encoded": "R"}]}, 200,
     {"results": [[["blue", 0.0], ["red", 1.0]]]}),
    (CLASSIFIER, "POST", CLASSIFY, {"signature_name": "classify", "context": {"image/encoded": "B"}, "examples": [{}]},
     200, {"results": [[["blue", 1.0], ["red", 0.0]]]}),
    (CLASSIFIER, "POST", CLASSIFY, {"signature_name": "x", "examples": [{}]}, 400,
     {"error": "No signature was found with the name: x"}),
    (CLASSIFIER, "POST", CLASSIFY, {"examples": [{}]}, 400, {"error": "Expected one or two output Tensors, found 3"}),
    (CLASSIFIER, "POST", "/v1/models/painter:classify", {"examples": [{}]}, 400,
     {"error": "Expected one input Tensor."}),
    (TENSOR, "POST", CLASSIFY, {}, 400,
     {"error": "JSON Value: {} When method is classify, key 'examples' is expected and was not found"}),
    (TENSOR, "POST", CLASSIFY, {"examples": 1}, 400,
     {"error": f"JSON Value: {shown({'examples': 1})} Expecting 'examples' value to be an list/array"}),
    (TENSOR, "POST", CLASSIFY, {"examples": []}, 400,
     {"error": f"JSON Value: {shown({'examples': []})} 'examples' value is an empty array"}),
    (TENSOR, "POST", CLASSIFY, {"examples": [1]}, 400, {"error": "Example must be JSON object but got JSON Number"}),
    (TENSOR, "POST", CLASSIFY, {"examples": [{"x": 1e300}]}, 400,
     {"error": "Cannot convert JSON value: 1e+300 to float without loss of precision."}),
    (TENSOR, "POST", CLASSIFY, {"examples": [{"x": 2**63}]}, 400,
     {"error": "Feature: x has uint64 element. Only int64 is supported."}),
    (TENSOR, "POST", "/v1/models/nobody:predict", "nonsense", 400,
     {"error": "JSON Parse error: Invalid value. at offset: 0"}),
    (TENSOR, "POST", CLASSIFY, {"examples": [{"x": None}]}, 400,
     {"error": "Feature: x has element with unexpected JSON type: Null"}),
    (TENSOR, "POST", CLASSIFY, {"examples": [{"x": [1, "a"]}]}, 400,
     {"error": "Unexpected element type in feature: x expecting type: int64"}),
    (MANAGER, "POST", "/v1/models/nobody:classify", {"examples": [{}]}, 404, NOT_LATEST),
    (MANAGER, "GET", "/v1/models/photos/versions/9/metadata", None, 404,
     {"error": "Servable not found for request: Specific(photos, 9)"}),
    (CORE, "GET", "/v1/models/photos/labels/nope/metadata", None, 400,
     {"error": "Unrecognized servable version label: nope"}),
    (REGRESSOR, "POST", "/v1/models/painter:regress", {"examples": [{}]}, 400, {"error": "Expected one input Tensor."}),
    (REGRESSOR, "POST", "/v1/models/photos:regress", {"examples": [{}]}, 400,
     {"error": "Expected one output Tensor."}),
]  # fmt: skip


@pytest.fixture(scope="module")
def rest(request):
    """A client of the server that the table is asked of."""
    address = os.environ.get("EASEL_CONTRACT_REST")
    if not address:
        yield request.getfixturevalue("client")
        return
    with pytest.importorskip("httpx").Client(base_url=address) as made:
        yield made


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    """A client of the TFLite runtime with models of the same names and signatures; only what it paints is different."""
    from easel_serving.registry.directory import Directory
    from easel_serving.server.limits.batching import Limits
    from easel_serving.server.limits.metrics import Metrics
    from easel_serving.server.loading.core import Core
    from easel_serving.server.loading.manager import Manager
    from easel_serving.server.loading.tflite_servable import TFLiteServable
    from easel_serving.server.page.convenience import Convenience
    from easel_serving.server.process.app import build

    from tests.serving import lite

    registry = lite.push(tmp_path_factory.mktemp("lite"), "photos", "painter", code_size=2)
    manager = Manager(registry.root, lambda path: TFLiteServable(path, Limits()))
    manager.refresh()
    core = Core(manager, Metrics())
    with pytest.importorskip("starlette.testclient").TestClient(
        build(core, Convenience.embedded(core, Directory(registry.root)))
    ) as made:
        yield made
    manager.stop()


def named(row):
    return f"{row[1]} {row[2]} {json.dumps(row[3])[:40]}"


@pytest.mark.parametrize("row", TABLE, ids=named)
def test_answer(row, rest, b64):
    check(row, rest, b64)


@pytest.mark.parametrize("row", [row for row in TABLE if row[2] != PAINT or row[4] != 200], ids=named)
def test_answer_of_the_tflite_runtime(row, lite, b64):
    check(row, lite, b64)


def check(row, rest, b64):
    _, method, path, body, status, answer = row
    if body is not None and not isinstance(body, str):
        body = json.dumps(body).replace('"R"', json.dumps(b64("red"))).replace('"B"', json.dumps(b64("blue")))
    response = rest.request(method, path, content=body)
    expected = json.loads(json.dumps(answer))
    assert (response.status_code, response.json()) == (status, expected)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("signature", ["encode_style", "stylize", "stylize_named", ""])
@pytest.mark.parametrize("runtime", ["rest", "lite"])
def test_no_rows_are_answered_by_none(runtime, signature, request):
    client = request.getfixturevalue(runtime)
    definitions = client.get("/v1/models/painter/metadata").json()["metadata"]["signature_def"]["signature_def"]
    names = definitions[signature or "serving_default"]["inputs"]
    if "style_code" in names:
        names = [name for name in names if name != "style_code"]
    body = {"signature_name": signature, "inputs": {name: [] for name in names}}
    if signature == "stylize":  # a code has numbers, so that no code has no second dimension in JSON
        answer = client.post(PAINT, json={**body, "inputs": {**body["inputs"], "style_code": []}})
        assert answer.status_code == 400
        return
    assert client.post(PAINT, json=body).json() == {"outputs": []}


IMAGES = 'dtype: DT_STRING tensor_shape { dim { size: 1 } } string_val: "R"'
LATEST, SPECIFIC = (
    "Servable not found for request: Latest(nobody)",
    "Servable not found for request: Specific(photos, 9)",
)
SPEC = 'model_spec { name: "photos" '

# (source, service, method, request in text format, code, answer: the error or a part of the response)
RPC_TABLE = [
    (PREDICT_UTIL, "Prediction", "Predict", f'{SPEC} }} inputs {{ key: "image_bytes" value {{ {IMAGES} }} }}', "OK",
     {"modelSpec": {"name": "photos", "version": "1", "signatureName": "serving_default"}}),
    (PREDICT_UTIL, "Prediction", "Predict", f'{SPEC} version_label: "stable" }} output_filter: "label" '
     f'inputs {{ key: "image_bytes" value {{ {IMAGES} }} }}', "OK",
     {"outputs": {"label": {"dtype": "DT_STRING", "tensorShape": {"dim": [{"size": "1"}]}, "stringVal": ["cmVk"]}}}),
    (PREDICT_UTIL, "Prediction", "Predict", f'{SPEC} version {{ value: 1 }} }} output_filter: "scores" '
     f'inputs {{ key: "image_bytes" value {{ {IMAGES} }} }}', "OK", {}),
    (MANAGER, "Prediction", "Predict", 'model_spec { name: "nobody" }', "NOT_FOUND", LATEST),
    (MANAGER, "Prediction", "Predict", f"{SPEC} version {{ value: 9 }} }}", "NOT_FOUND", SPECIFIC),
    (CORE, "Prediction", "Predict", f'{SPEC} version_label: "nope" }}', "INVALID_ARGUMENT",
     "Unrecognized servable version label: nope"),
    (PREDICT_UTIL, "Prediction", "Predict", f'{SPEC} signature_name: "x" }}', "FAILED_PRECONDITION",
     'Serving signature key "x" not found.'),
    (PREDICT_UTIL, "Prediction", "Predict", f"{SPEC} }}", "INVALID_ARGUMENT",
     "input size does not match signature: 0!=1 len({}) != len({image_bytes}). Sent extra: {}. Missing but required: "
     "{image_bytes}."),
    (PREDICT_UTIL, "Prediction", "Predict", f'{SPEC} }} inputs {{ key: "foo" value {{ {IMAGES} }} }} '
     f'inputs {{ key: "image_bytes" value {{ {IMAGES} }} }}', "INVALID_ARGUMENT",
     "input size does not match signature: 2!=1 len({foo,image_bytes}) != len({image_bytes}). Sent extra: {foo}. "
     "Missing but required: {}."),
    (PREDICT_UTIL, "Prediction", "Predict", f'{SPEC} }} output_filter: "nope" '
     f'inputs {{ key: "image_bytes" value {{ {IMAGES} }} }}', "INVALID_ARGUMENT",
     "output tensor alias not found in signature: nope Outputs expected to be in the set {classes,label,scores}."),
    (PREDICT_UTIL, "Prediction", "Predict", f'{SPEC} }} output_filter: "label" output_filter: "label" '
     f'inputs {{ key: "image_bytes" value {{ {IMAGES} }} }}', "INVALID_ARGUMENT",
     "duplicate output tensor alias: label"),
    ("tensorflow/cc/saved_model/util.cc", "Prediction", "Predict",
     f'{SPEC} }} inputs {{ key: "image_bytes" value {{ dtype: DT_STRING tensor_shape {{ dim {{ size: -2 }} }} }} }}',
     "INVALID_ARGUMENT", "tensor parsing error: image_bytes"),
    (BATCHING, "Prediction", "Predict",
     f'{SPEC} }} inputs {{ key: "image_bytes" value {{ dtype: DT_STRING tensor_shape {{ }} string_val: "R" }} }}',
     "INVALID_ARGUMENT", "Batching Run() input tensors must have at least one dimension"),
    (CLASSIFIER, "Prediction", "Classify", f'{SPEC} signature_name: "classify" }} input {{ example_list {{ examples {{ '
     'features { feature { key: "image/encoded" value { bytes_list { value: "B" } } } } } } }', "OK",
     {"result": {"classifications": [{"classes": [{"label": "blue", "score": 1.0}, {"label": "red"}]}]}}),
    (CLASSIFIER, "Prediction", "Classify", f'{SPEC} signature_name: "classify" }} input {{ example_list_with_context '
     '{ context { features { feature { key: "image/encoded" value { bytes_list { value: "R" } } } } } examples { } } }',
     "OK", {"result": {"classifications": [{"classes": [{"label": "blue"}, {"label": "red", "score": 1.0}]}]}}),
    (CLASSIFIER, "Prediction", "Classify", f'{SPEC} signature_name: "x" }}', "INVALID_ARGUMENT",
     "No signature was found with the name: x"),
    (CLASSIFIER, "Prediction", "Classify", f"{SPEC} }} input {{ example_list {{ examples {{ }} }} }}",
     "INVALID_ARGUMENT", "Expected one or two output Tensors, found 3"),
    (INPUT, "Prediction", "Classify", f'{SPEC} signature_name: "classify" }}', "INVALID_ARGUMENT", "Input is empty."),
    (MANAGER, "Prediction", "Classify", 'model_spec { name: "nobody" }', "NOT_FOUND", LATEST),
    (REGRESSOR, "Prediction", "Regress", f"{SPEC} }} input {{ example_list {{ examples {{ }} }} }}", "INVALID_ARGUMENT",
     "Expected one output Tensor."),
    (METADATA, "Prediction", "GetModelMetadata", f'{SPEC} }} metadata_field: "signature_def"', "OK",
     {"modelSpec": {"name": "photos", "version": "1"}}),
    (METADATA, "Prediction", "GetModelMetadata", f"{SPEC} }}", "INVALID_ARGUMENT",
     "GetModelMetadataRequest must specify at least one metadata_field"),
    (METADATA, "Prediction", "GetModelMetadata", f'{SPEC} }} metadata_field: "x"', "INVALID_ARGUMENT",
     "Metadata field %s is not supportedx"),
    (METADATA, "Prediction", "GetModelMetadata", 'metadata_field: "signature_def"', "INVALID_ARGUMENT",
     "Missing ModelSpec"),
    (MANAGER, "Prediction", "GetModelMetadata", 'model_spec { name: "nobody" } metadata_field: "signature_def"',
     "NOT_FOUND", LATEST),
    (STATUS, "Model", "GetModelStatus", f"{SPEC} }}", "OK",
     {"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": {}}]}),
    (STATUS, "Model", "GetModelStatus", "", "INVALID_ARGUMENT", "Missing ModelSpec"),
    (STATUS, "Model", "GetModelStatus", 'model_spec { name: "nobody" }', "NOT_FOUND",
     "Could not find any versions of model nobody"),
    (STATUS, "Model", "GetModelStatus", f"{SPEC} version {{ value: 9 }} }}", "NOT_FOUND",
     "Could not find version 9 of model photos"),
    (SERVICE, "Model", "HandleReloadConfigRequest", "", "INVALID_ARGUMENT",
     "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"),
]  # fmt: skip

REQUESTS = {
    "Predict": "predict_pb2.PredictRequest",
    "Classify": "classification_pb2.ClassificationRequest",
    "Regress": "regression_pb2.RegressionRequest",
    "GetModelMetadata": "get_model_metadata_pb2.GetModelMetadataRequest",
    "GetModelStatus": "get_model_status_pb2.GetModelStatusRequest",
    "HandleReloadConfigRequest": "model_management_pb2.ReloadConfigRequest",
}


@pytest.fixture(scope="module")
def channel(request):
    grpc = pytest.importorskip("grpc")
    pytest.importorskip("tensorflow_serving")
    address, server = os.environ.get("EASEL_CONTRACT_GRPC"), None
    if not address:
        from easel_serving.server.api import grpc_api

        server, port = grpc_api.serve(request.getfixturevalue("core"), "127.0.0.1", 0, threads=2)
        address = f"127.0.0.1:{port}"
    with grpc.insecure_channel(address) as made:
        yield made
    if server:
        server.stop(0).wait()


@pytest.mark.parametrize("row", RPC_TABLE, ids=lambda row: f"{row[2]} {row[3][:60]}")
def test_rpc_answer(row, channel, png):
    import importlib

    import grpc
    from google.protobuf import json_format, text_format
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    _, service, method, text, code, answer = row
    module, _, name = REQUESTS[method].rpartition(".")
    request = getattr(importlib.import_module(f"tensorflow_serving.apis.{module}"), name)()
    for letter, colour in (("R", "red"), ("B", "blue")):
        text = text.replace(f'"{letter}"', '"' + "".join(f"\\{byte:03o}" for byte in png(colour)) + '"')
    text_format.Parse(text, request)
    stubs = {"Prediction": prediction_service_pb2_grpc.PredictionServiceStub,
             "Model": model_service_pb2_grpc.ModelServiceStub}  # fmt: skip
    call = getattr(stubs[service](channel), method)
    if code == "OK":
        response = json_format.MessageToDict(call(request, timeout=20))
        assert {key: response[key] for key in answer} == answer
    else:
        with pytest.raises(grpc.RpcError) as error:
            call(request, timeout=20)
        assert (error.value.code().name, error.value.details()) == (code, answer)


def test_metadata(rest):
    document = rest.get("/v1/models/painter/labels/stable/metadata").json()
    assert document["model_spec"] == {"name": "painter", "signature_name": "", "version": "1"}
    signatures = document["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "stylize_named", "encode_style", "stylize"}
    code = signatures["stylize"]["inputs"]["style_code"]
    assert code["dtype"] == "DT_FLOAT"
    assert code["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}],
        "unknown_rank": False,
    }
    assert signatures["stylize"]["method_name"] == "tensorflow/serving/predict"


def test_a_broken_image_is_the_clients_error(rest):
    response = rest.post(PREDICT, json={"instances": ["this is no picture"]})
    assert response.status_code == 400
    assert "image" in response.json()["error"].lower()


def test_there_is_nothing_outside_the_api(rest):
    # http_server.cc dispatches /v1/ only; the library answers the rest, with a body of its own
    assert rest.get("/v2/models/photos").status_code == 404


def test_metadata_of_rpc_is_that_of_rest(channel, rest):
    from tensorflow_serving.apis import get_model_metadata_pb2, prediction_service_pb2_grpc

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "painter"
    response = prediction_service_pb2_grpc.PredictionServiceStub(channel).GetModelMetadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    document = rest.get("/v1/models/painter/metadata").json()["metadata"]["signature_def"]["signature_def"]
    assert set(document) == set(signatures.signature_def)
