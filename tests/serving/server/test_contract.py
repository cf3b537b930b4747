"""The table of REST calls and TensorFlow Serving's answers.

Each row names the source file of TensorFlow Serving (under tensorflow_serving/) that its answer follows. `R` and `B`
stand for a red and a blue picture in base64.
"""

import json

import pytest

UTIL = "model_servers/http_rest_api_util.cc"
HANDLER = "model_servers/http_rest_api_handler.cc"
TENSOR = "util/json_tensor.cc"
STATUS = "model_servers/get_model_status_impl.cc"
CORE = "model_servers/server_core.cc"
MANAGER = "core/basic_manager.cc"
CLASSIFIER = "servables/tensorflow/classifier.cc"

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
    (CORE, "GET", "/v1/models/photos/labels/nope", None, 400, {"error": "Unrecognized servable version label: nope"}),
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
    (TENSOR, "POST", CLASSIFY, {"examples": [{"x": None}]}, 400,
     {"error": "Feature: x has element with unexpected JSON type: Null"}),
    (TENSOR, "POST", CLASSIFY, {"examples": [{"x": [1, "a"]}]}, 400,
     {"error": "Unexpected element type in feature: x expecting type: int64"}),
    (MANAGER, "POST", "/v1/models/nobody:classify", {"examples": [{}]}, 404, NOT_LATEST),
    ("servables/tensorflow/regressor.cc", "POST", "/v1/models/photos:regress", {"examples": [{}]}, 400,
     {"error": "Expected one output Tensor."}),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[1]} {row[2]} {json.dumps(row[3])[:40]}")
def test_answer(row, client, b64):
    _, method, path, body, status, answer = row
    if body is not None and not isinstance(body, str):
        body = json.dumps(body).replace('"R"', json.dumps(b64("red"))).replace('"B"', json.dumps(b64("blue")))
    response = client.request(method, path, content=body)
    expected = json.loads(json.dumps(answer))
    assert (response.status_code, response.json()) == (status, expected)
    assert response.headers["content-type"] == "application/json"


def test_metadata(client):
    document = client.get("/v1/models/painter/labels/stable/metadata").json()
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


def test_a_broken_image_is_the_clients_error(client):
    response = client.post(PREDICT, json={"instances": ["this is no picture"]})
    assert response.status_code == 400
    assert "image" in response.json()["error"].lower()
