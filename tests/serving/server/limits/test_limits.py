"""What the server refuses, and that it does so quickly, with a 4xx and without harm to others."""

import asyncio
import base64
import dataclasses
import gzip
import io
import json
import logging
import socket
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

pytest.importorskip("tensorflow")
httpx = pytest.importorskip("httpx")

from easel_serving.protocol.status import StatusError  # noqa: E402
from easel_serving.server.api.json_values import decode_base64, parse_object, render, text_of  # noqa: E402
from easel_serving.server.limits.bounds import Budget  # noqa: E402
from easel_serving.server.limits.pixels import measured  # noqa: E402

from tests.serving import attacks  # noqa: E402

PREDICT = "/v1/models/photos:predict"


@pytest.fixture
def limit(core, monkeypatch):
    """Sets limits of the server for one test."""

    def change(**limits):
        monkeypatch.setattr(core, "limits", dataclasses.replace(core.limits, **limits))

    return change


def instances(*images):
    return {"instances": [{"b64": base64.b64encode(image).decode()} for image in images]}


def test_a_body_that_is_too_large_is_refused(client, limit):
    limit(request_bytes=100)
    assert client.post(PREDICT, content=b"x" * 200).status_code == 413

    def trickle():
        yield from [b"x" * 60] * 3

    assert client.post(PREDICT, content=trickle()).status_code == 413
    packed = client.post(PREDICT, content=gzip.compress(b"x" * 10_000), headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 413


def test_compressed_bodies_are_read(client, b64):
    body = gzip.compress(json.dumps({"instances": [b64("red")]}).encode())
    answer = client.post(PREDICT, content=body, headers={"Content-Encoding": "gzip"})
    assert answer.json()["predictions"][0]["label"] == "red"
    for content, encoding in ((b"no gzip", "gzip"), (body[:-9], "gzip"), (body, "br")):
        assert client.post(PREDICT, content=content, headers={"Content-Encoding": encoding}).status_code == 400


def test_nothing_may_follow_compressed_data(client, b64):
    """50 MB behind the end of a body were held, and not counted."""
    body = attacks.gzip_tail(json.dumps({"instances": [b64("red")]}).encode(), 1 << 20)

    def pieces():
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    for content in (body, pieces(), body[: -(1 << 20) + 1]):
        answer = client.post(PREDICT, content=content, headers={"Content-Encoding": "gzip"})
        assert (answer.status_code, answer.json()) == (
            400,
            {"error": "The body goes on after the end of its gzip data"},
        )


def test_a_document_of_a_million_parts_is_refused(client):
    for body in (b'{"instances": [' + b"{}," * 1_000_000 + b"{}]}", b"[" * 500_001 + b"," * 500_000):
        answer = client.post(PREDICT, content=body)
        assert (answer.status_code, "more than 1000000 parts" in answer.json()["error"]) == (400, True)


def test_names_that_clients_invent_are_no_metrics(client, core):
    """200 of them added 7,400 lines for good."""
    before = len(client.get("/monitoring/prometheus/metrics").text.splitlines())
    for number in range(50):
        client.post(f"/v1/models/invented{number}:predict", json={"instances": ["x"]})
        photo = {"image": ("a.png", attacks.solid("PNG"))}
        client.post("/easel/v1/classify", files=photo, data={"model": f"invented{number}"})
    text = client.get("/monitoring/prometheus/metrics").text
    assert 'request_count{model_name="",status="NOT_FOUND",version=""}' in text
    assert "invented" not in text
    assert len(text.splitlines()) < before + 100


def test_what_is_held_at_once_is_bounded(client, core, b64, monkeypatch):
    monkeypatch.setattr(core, "budget", Budget(50))
    assert client.post(PREDICT, json={"instances": [b64("red")]}).status_code == 429
    monkeypatch.undo()
    assert client.post(PREDICT, json={"instances": [b64("red")]}).status_code == 200
    assert core.budget._held == 0


@pytest.mark.parametrize(("format", "pixels"), [("PNG", 99), ("JPEG", 99), ("BMP", 362)])
def test_images_that_unpack_to_too_much_are_refused(client, limit, png, format, pixels):
    """Of a BMP its bytes are counted: it has no fewer than pixels."""
    limit(pixels=pixels)
    assert client.post(PREDICT, json=instances(png("red", (9, 11), format))).status_code == 200
    answer = client.post(PREDICT, json=instances(png("red", (9, 11), format), png("red", (1, 1), format)))
    assert (answer.status_code, f"at most {pixels}" in answer.json()["error"]) == (400, True)


def test_all_images_of_a_form_count_together(client, limit, png):
    limit(pixels=99)
    files = [("image", ("a.png", png("red", (5, 10)))), ("image", ("b.webp", png("red", (5, 10), "WEBP")))]
    assert client.post("/easel/v1/classify", files=files[:1]).status_code == 200
    answer = client.post("/easel/v1/classify", files=files)
    assert (answer.status_code, "The images have 100 pixels" in answer.json()["error"]) == (400, True)
    pair = {"content": files[0][1], "style": files[1][1]}
    assert client.post("/easel/v1/stylize", files=pair).status_code == 400


def test_formats_that_unpack_every_frame_are_not_served(client, png):
    """518 kB of GIF were counted as 16 million pixels, and TensorFlow unpacked 640 million."""
    bomb = attacks.gif_frames(40, 4000)
    for image, name in ((bomb, "GIF"), (png("red", format="GIF"), "GIF"), (png("red", format="WEBP"), "WebP")):
        for path, body in requests(image):
            answer = client.post(path, json=body)
            assert answer.status_code == 400
            assert answer.json() == {"error": f"Invalid image: {name} is not served; send JPEG or PNG"}
    # What is converted first may be of any kind: only the first frame of it is read.
    assert client.post("/easel/v1/classify", files={"image": ("a.gif", bomb)}).json()[0]["label"] in ("red", "blue")


def test_bombs_are_refused_everywhere(client, b64):
    for size in (
        (50_000, 50_000),
        (2**31 - 1, 2**31 - 1),
        (10_000, 5_001),
    ):  # the last: more than here, less than there
        bomb = attacks.png_header(*size)
        assert client.post(PREDICT, json=instances(bomb)).status_code == 400
        body = {"signature_name": "classify", "examples": [{"image/encoded": instances(bomb)["instances"][0]}]}
        assert client.post("/v1/models/photos:classify", json=body).status_code == 400
        assert client.post("/easel/v1/classify", files={"image": ("a.png", bomb)}).status_code == 400
    jpeg = io.BytesIO()
    Image.new("RGB", (64, 64)).save(jpeg, "JPEG")
    spoilt = jpeg.getvalue().replace(b"\xff\xc0", b"\xff\x00")  # no frame header that anybody could read
    assert client.post(PREDICT, json=instances(spoilt)).status_code == 400


def requests(image):
    """An image on all ways to a decoder: by predict, by classify, in an Example by predict."""
    yield PREDICT, instances(image)
    encoded = instances(image)["instances"][0]
    yield "/v1/models/photos:classify", {"signature_name": "classify", "examples": [{"image/encoded": encoded}]}
    yield PREDICT, {"signature_name": "classify", **instances(attacks.example(image))}


def test_examples_are_read_as_tensorflow_reads_them_or_refused(client, b64):
    """A size that was told from `BM`, and one that was not told for a length nobody writes so: each hid a bomb."""
    bomb = attacks.png_header(9000, 9000)
    for make, message in (
        (attacks.example, "at most 50000000 are decoded"),
        (attacks.example_like_bmp, "at most 50000000 are decoded"),
        (attacks.example_with_long_length, "Could not parse example input"),
        (lambda image: b"\x0a\xff" + image, "Could not parse example input"),
    ):
        answer = client.post(PREDICT, json={"signature_name": "classify", **instances(make(bomb))})
        assert (answer.status_code, message in answer.json()["error"]) == (400, True), make
    red = base64.b64decode(b64("red")["b64"])
    body = {"signature_name": "classify", **instances(attacks.example_like_bmp(red), attacks.example(red))}
    assert [row["scores"] for row in client.post(PREDICT, json=body).json()["predictions"]] == [[0.0, 1.0]] * 2


def test_examples_are_run_as_they_were_understood():
    import numpy as np

    inputs, _ = measured({"inputs": np.array([attacks.example_like_bmp(b"x")], object)}, 10)
    assert inputs["inputs"].tolist() == [attacks.example(b"x")]


def test_only_images_are_measured():
    import numpy as np

    words = np.array([b"\xff\xd8\xff", b"BMW", b"\xff\xd8", b"plain", b"GIF7"], dtype=object)
    with pytest.raises(StatusError, match="Invalid image: its header: "):
        measured({"x": words}, 10)
    assert measured({"x": words[1:], "y": np.zeros(3)}, 10)[1] == 3


def test_a_request_that_takes_too_long_is_given_up(client, limit, b64):
    limit(seconds=0.0)
    answer = client.post(PREDICT, json={"instances": [b64("red")]})
    assert (answer.status_code, answer.json()["error"]) == (504, "Timed out waiting for the model")


def test_a_version_of_many_digits_is_no_version(client):
    for digits in ("9" * 19, "9" * 5000, "0" * 5000 + "9" * 20):
        for path in (f"/v1/models/photos/versions/{digits}:predict", f"/v1/models/photos/versions/{digits}"):
            answer = client.post(path, json={}) if path.endswith("predict") else client.get(path)
            assert (answer.status_code, "to numeric" in answer.json()["error"]) == (400, True)
    answer = client.get(f"/v1/models/photos/versions/{'0' * 5000}1")
    assert answer.json()["model_version_status"][0]["version"] == "1"


@pytest.mark.parametrize("charset", ["unicode_escape", "punycode", "idna", "utf-7", "rot13", "utf_16", "no-such"])
def test_the_charset_of_a_form_calls_no_decoder(client, charset):
    """`unicode_escape` made names that are no text (500), `punycode` takes minutes for a megabyte."""
    part = b'--x\r\nContent-Disposition: form-data; name="image"; filename="\\ud800"\r\n\r\n'
    body = part + attacks.solid("PNG") + b"\r\n--x--\r\n"
    headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    for path in ("/easel/v1/classify", "/easel/v1/stylize"):
        answer = client.post(path, content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (400, {"error": "send multipart/form-data in UTF-8"})
    headers["Content-Type"] = "multipart/form-data; boundary=x; charset=UTF-8"
    assert client.post("/easel/v1/classify", content=body, headers=headers).status_code == 200


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["R", {"b64": "!"}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["b64", "image_bytes", "x"]), inner),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(["instances", "inputs", "examples", "context", "signature_name"]), value=JSON, other=JSON)
def test_whatever_json_is_sent_the_fault_is_the_clients(client, key, value, other):
    body = json.dumps({key: value, "instances" if key != "instances" else "x": other}).encode()
    for path in (PREDICT, "/v1/models/photos:classify", "/v1/models/painter:predict"):
        answer = client.post(path, content=body)
        assert answer.status_code in (200, 400), answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"instances": ' + b"[" * 900 + b"1" + b"]" * 900 + b"}",
        b'{"instances": [' + b"9" * 5000 + b"]}",
        b'{"instances": [1' + b"0" * 400 + b"]}",
        b'{"instances": ["\\ud800"]}',
        b'{"\\udfff": 1, "instances": []}',
        b'{"instances": ["\xff"]}',
        b"\xef\xbb\xbf{}",
        b"\x00" * 10,
        b'{"instances": [NaN, -Infinity, 1e999]}',
        b'{"inputs": {"image_bytes": {"b64": "' + b"A" * 33 + b'"}}}',
        b'{"instances": [[], [[]]]}',
        b'{"instances": [{"b64": "", "b64": 1}]}',
    ],
    ids=range(13),
)
def test_hostile_documents(client, body):
    for path in (PREDICT, "/v1/models/photos:classify"):
        assert client.post(path, content=body).status_code == 400


def test_what_a_message_quotes_is_cut():
    deep = value = []
    for _ in range(200):
        value.append([])
        value = value[0]
    value.extend([1] * 10_000)
    assert len(text_of({"instances": deep})) < 20_000


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_numbers_read_back_as_they_were(number):
    import numpy as np

    value = np.float32(number)
    assert np.float32(json.loads(render({"x": value}))["x"]) == value


@given(st.binary(max_size=40), st.sampled_from(["!", "-", "é", "=", "\x00"]), st.integers(0, 60))
def test_base64_is_read_and_what_is_none_is_not(data, stranger, where):
    text = base64.b64encode(data).decode()
    for form in (text, text.rstrip("="), "\n ".join([text[:3], text[3:]])):
        assert decode_base64({"b64": form}) == data
    spoilt = text.rstrip("=")[:where] + stranger + text.rstrip("=")[where:]
    if stranger != "=" or where < len(text.rstrip("=")):
        with pytest.raises(StatusError, match="Unable to base64 decode"):
            decode_base64({"b64": spoilt})


def test_whole_numbers_outside_64_bits_are_doubles():
    assert parse_object(b'{"a": 18446744073709551615, "b": 18446744073709551616}') == {"a": 2**64 - 1, "b": 2.0**64}


@pytest.mark.parametrize("path", ["/../etc/passwd", "/v1/models/..%2f..%2fetc", "/%00", "/easel/v1/../../x", "//v1//"])
def test_no_path_leads_anywhere_else(live, path):
    host, _, port = live.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = connection.makefile("rb").readline()
    assert 400 <= int(answer.split()[1]) < 500


def test_headers_that_trickle_are_cut_off_and_others_are_answered(client, b64):
    uvicorn = pytest.importorskip("uvicorn")
    from easel_serving.server.process import http

    async def scenario():
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(client.app, http=http.protocol(0.5), log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        address = listening.getsockname()
        while not server.started:
            await asyncio.sleep(0.01)
        slow = [await asyncio.open_connection(*address) for _ in range(20)]
        start = time.monotonic()
        for number, (_, writer) in enumerate(slow):
            writer.write(b"POST / HTTP/1.1\r\n" if number % 2 else b"")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{address[1]}") as good:
            for _ in range(3):
                answer = await good.post(PREDICT, json={"instances": [b64("red")]})
                assert answer.status_code == 200
                await asyncio.sleep(0.3)
                for _, writer in slow:
                    writer.write(b"x")
        ends = await asyncio.gather(*(reader.read() for reader, _ in slow), return_exceptions=True)
        assert all(end == b"" or isinstance(end, OSError) for end in ends)
        assert time.monotonic() - start < 4
        server.should_exit = True
        await serving

    asyncio.run(scenario())


def test_the_access_log_is_structured_and_cannot_be_forged(client, caplog):
    with caplog.at_level(logging.INFO, "easel.serving.access"):
        client.get("/v1/models/a%0astatus=200%20b")
    [record] = [record for record in caplog.records if record.name == "easel.serving.access"]
    assert "\n" not in record.getMessage()
    assert 'path="/v1/models/a%0astatus=200%20b" status=404' in record.getMessage()
    assert {"protocol": "HTTP", "method": "GET", "status": 404}.items() <= record.access.items()
