"""Damaged requests of every kind: each is answered, in time, with the fault where it is, and nothing decodes uncounted.

`EASEL_FUZZ` says how many there are; `make fuzz` sets it to 5,000.
"""

import base64
import json
import os
import random
import struct
import time

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
grpc = pytest.importorskip("grpc")
pytest.importorskip("tensorflow_serving")
pytest.importorskip("httpx")

from easel_serving.images import prepare  # noqa: E402
from easel_serving.protocol import example_protos  # noqa: E402
from easel_serving.protocol.errors import ServingError  # noqa: E402
from easel_serving.protocol.status import StatusError  # noqa: E402
from easel_serving.server.limits.pixels import bound, measured, of_file  # noqa: E402

from tests.components.image_folder_example_gen import corpus  # noqa: E402
from tests.serving import attacks  # noqa: E402

INPUTS = int(os.environ.get("EASEL_FUZZ", "240"))
PARTS = 4
"""Of each test, so that two processes share the work."""
SHARE = INPUTS // 4
"""Of each of the four tests."""
PIXELS = 1_000_000
SECONDS = 10
"""Of processor time for one request: on the clock, a busy machine would look like a hang."""

_NUMBERS = (0, 1, 2, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 100_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_FIELD = "image/encoded"


def originals():
    """Sound files of all kinds, and small ones of those that mean harm."""
    small = [
        attacks.eps(), attacks.png_header(1 << 15, 1 << 15), attacks.png_chunks(3), attacks.gif_frames(3, 40),
        attacks.gif_comment(600), attacks.jpeg_fill(9), attacks.jpeg_segments(9), attacks.jpeg_scans(3, 64),
        attacks.jpeg_metadata(2)[:3000], attacks.tiff_strips(64), attacks.tiff_tile(64), *attacks.polyglots(),
    ]  # fmt: skip
    return [*corpus.variants().values(), *small]


ORIGINALS = originals()


def damaged(chance, data):
    """Cut, spliced, with bytes turned over, or with other numbers where numbers may be."""
    if chance.random() < 0.5:
        return corpus.damage(data, chance)
    data = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        form = chance.choice("<>") + chance.choice("BHI")
        at = int(len(data) * chance.random() ** 3)  # mostly near the beginning, where the headers are
        if at + struct.calcsize(form) <= len(data):
            limit = 256 ** struct.calcsize(form)
            struct.pack_into(form, data, at, chance.choice(_NUMBERS) % limit)
    return bytes(data)


def image(chance):
    data = chance.choice(ORIGINALS)
    return data if chance.random() < 0.1 else damaged(chance, data)


def shares(name):
    """Seeds of one part of a test."""
    return pytest.mark.parametrize(name, [range(part, SHARE, PARTS) for part in range(PARTS)], ids=range(PARTS))


class Clock:
    """Fails where one request takes long."""

    def __enter__(self):
        self._start = time.process_time()

    def __exit__(self, *_):
        assert time.process_time() - self._start < SECONDS


def decoded(data):
    """How many pixels TensorFlow makes of a file; 0 when it makes none."""
    try:
        shape = tf.io.decode_image(data, 3, expand_animations=False).shape
    except (tf.errors.OpError, UnicodeDecodeError):  # the latter where its message quotes the file
        return 0
    return shape[0] * shape[1]


@shares("seeds")
def test_no_image_unpacks_to_more_than_was_counted(seeds):
    outcomes = []
    for seed in seeds:
        data = image(random.Random(seed))
        with Clock():
            try:
                _, counted = measured({"image_bytes": np.array([data], object)}, PIXELS)
            except StatusError:
                counted = -1
            else:
                assert decoded(data) <= counted, seed
            try:
                bound(of_file(data, "image"), PIXELS)
                prepare.convert(data)
            except (StatusError, ServingError):
                outcomes.append((counted >= 0, False))
            else:
                outcomes.append((counted >= 0, True))
    assert len(seeds) < 50 or len(set(outcomes)) > 2  # some pass, some do not


def example(chance):
    """The bytes of an Example, sound or not."""
    data = image(chance)
    made = chance.choice([attacks.example, attacks.example_like_bmp, attacks.example_with_long_length])(data)
    if chance.random() < 0.3:
        made += attacks.example(image(chance))  # in protocol buffers the later one counts
    return made if chance.random() < 0.4 else damaged(chance, made)


@shares("seeds")
def test_examples_are_what_tensorflow_takes_them_for(seeds):
    parse = {_FIELD: tf.io.FixedLenFeature([], tf.string)}
    for seed in seeds:
        data = example(random.Random(seed))
        with Clock():
            try:
                inputs, counted = measured({"inputs": np.array([data], object)}, PIXELS)
            except StatusError:
                continue
            [run] = inputs["inputs"]
            try:
                theirs = tf.io.parse_example([run], parse)[_FIELD][0].numpy()
            except (tf.errors.OpError, UnicodeDecodeError):
                theirs = None
            try:
                ours = example_protos.bytes_feature(run, _FIELD)
            except StatusError:
                ours = None
            assert theirs in (None, ours), seed  # of an Example with a feature without a name TensorFlow makes nothing
            assert theirs is None or decoded(theirs) <= counted, seed


def value(chance, depth=0):
    """JSON, some of which is what the server wants."""
    leaves = [None, True, -1, 2**63, 2**64, 1e300, float("nan"), "", "R", "\ud800", "é", {"b64": "!"}, {"b64": 1}]
    if chance.random() < 0.4:
        return {"b64": base64.b64encode(image(chance)).decode()}
    if depth == 3 or chance.random() < 0.4:
        return chance.choice(leaves)
    if chance.random() < 0.5:
        return [value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    names = ["image_bytes", "content_bytes", "style_bytes", "strength", "style_code", "b64", _FIELD, "inputs", "x"]
    return {chance.choice(names): value(chance, depth + 1) for _ in range(chance.randint(0, 3))}


def call(chance):
    """`(path, headers, body)` of a REST request, or a form for the page's calls."""
    if chance.random() < 0.2:
        form = {"image": ("a", image(chance)), "content": ("b", image(chance)), "style": ("c", image(chance))}
        files = {name: file for name, file in form.items() if chance.random() < 0.7}
        data = {"strength": chance.choice(["0", "1", "2", "nan", "x"]), "style_name": "Great-Wave"}
        return chance.choice(["/easel/v1/classify", "/easel/v1/stylize"]), {"files": files, "data": data}
    document = {chance.choice(["instances", "inputs", "examples", "context"]): value(chance)}
    name = chance.choice(["signature_name", "instances", "examples"])
    document[name] = chance.choice(["classify", "x", value(chance)])
    body = json.dumps(document).encode()
    if chance.random() < 0.4:
        body = damaged(chance, body)
    where = chance.choice(["", "/versions/1", "/labels/stable", "/versions/99999999999999999999", "/labels/%00"])
    model, method = chance.choice(["photos", "painter", "nobody"]), chance.choice(["predict", "classify", "regress"])
    headers = {"Content-Encoding": "gzip"} if chance.random() < 0.1 else {}
    return f"/v1/models/{model}{where}:{method}", {"content": body, "headers": headers}


@shares("seeds")
def test_whatever_is_asked_by_rest_is_answered(seeds, client):
    statuses = []
    for seed in seeds:
        path, how = call(random.Random(seed))
        with Clock():
            answer = client.post(path, **how)
        statuses.append(answer.status_code)
        assert answer.status_code in (200, 400, 404, 413), (seed, answer.text)
        assert answer.status_code == 200 or answer.json()["error"], seed
    assert len(seeds) < 50 or {200, 400, 404} <= set(statuses)


@pytest.fixture(scope="module")
def channel(core):
    from easel_serving.server.api import grpc_api

    server, port = grpc_api.serve(core, "127.0.0.1", 0, threads=2)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as made:
        yield made
    server.stop(0).wait()


def message(chance):
    """`(method, bytes)` of a request by gRPC."""
    from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, get_model_status_pb2, predict_pb2

    kind, method = chance.choice(
        [
            (predict_pb2.PredictRequest, "PredictionService/Predict"),
            (classification_pb2.ClassificationRequest, "PredictionService/Classify"),
            (classification_pb2.ClassificationRequest, "PredictionService/Regress"),
            (get_model_metadata_pb2.GetModelMetadataRequest, "PredictionService/GetModelMetadata"),
            (get_model_status_pb2.GetModelStatusRequest, "ModelService/GetModelStatus"),
        ]
    )
    request = kind()
    request.model_spec.name = chance.choice(["photos", "painter", "nobody", ""])
    if kind is predict_pb2.PredictRequest:
        request.model_spec.signature_name = signature = chance.choice(["", "classify", "encode_style", "x"])
        name = {"": "image_bytes", "classify": "inputs", "encode_style": "style_bytes"}.get(signature, "x")
        content = example(chance) if name == "inputs" else image(chance)
        request.inputs[name].CopyFrom(tf.make_tensor_proto([content]))
        if chance.random() < 0.2:
            request.inputs[name].tensor_shape.dim[0].size = chance.choice([-1, 0, 2, 2**31, 2**62])
            request.inputs[name].dtype = chance.choice([0, 1, 7, 20, 25])
        request.output_filter.extend(chance.choices(["scores", "label", "x"], k=chance.choice([0, 0, 1, 2])))
    elif kind is classification_pb2.ClassificationRequest:
        request.model_spec.signature_name = chance.choice(["classify", "", "x"])
        for _ in range(chance.randint(0, 2)):
            features = request.input.example_list.examples.add().features
            features.feature[chance.choice([_FIELD, "x"])].bytes_list.value.append(image(chance))
    data = request.SerializeToString()
    return f"/tensorflow.serving.{method}", data if chance.random() < 0.5 else damaged(chance, data)


@shares("seeds")
def test_whatever_is_asked_by_grpc_is_answered(seeds, channel):
    codes = []
    for seed in seeds:
        method, data = message(random.Random(seed))
        with Clock():
            try:
                channel.unary_unary(method)(data, timeout=60)
                codes.append("OK")
            except grpc.RpcError as error:
                codes.append(error.code().name)
        assert codes[-1] in ("OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"), (seed, codes[-1])
    assert len(seeds) < 50 or {"OK", "INVALID_ARGUMENT", "NOT_FOUND"} <= set(codes)
