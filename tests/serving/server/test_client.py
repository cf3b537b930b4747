"""The client against the embedded server: REST and gRPC, from ordinary programs and from coroutines."""

import asyncio
import contextlib
import functools
import http.server
import io
import json
import threading

import numpy as np
import pytest
import tenacity
from easel_serving import AsyncClient, Client
from easel_serving.client import Options, RequestError, VersionStatus, calls, retry
from easel_serving.protocol.errors import ServingError
from PIL import Image

NAMES = Options(classifier="photos", style="painter", timeout=30)


@pytest.fixture(scope="module")
def grpc_address(core):
    pytest.importorskip("tensorflow_serving")
    from easel_serving.server.api import grpc_api

    server, port = grpc_api.serve(core, "127.0.0.1", 0, threads=4)
    yield f"grpc://127.0.0.1:{port}"
    server.stop(0).wait()


@pytest.fixture(params=["rest", "grpc"])
def address(request):
    return request.getfixturevalue("live" if request.param == "rest" else "grpc_address")


class Synchronously:
    """An `AsyncClient` with `Client`'s face: every call in an event loop of its own."""

    def __init__(self, address, options):
        self._make = functools.partial(AsyncClient, address, options)

    def __getattr__(self, name):
        async def call(*args, **kwargs):
            async with self._make() as client:
                return await getattr(client, name)(*args, **kwargs)

        return lambda *args, **kwargs: asyncio.run(call(*args, **kwargs))


@pytest.fixture(params=[Client, Synchronously])
def models(request, address):
    return request.param(address, NAMES)


def test_classify_takes_images_in_every_form_and_answers_in_order(models, tmp_path, png):
    (tmp_path / "red.webp").write_bytes(png("red", format="WEBP"))
    sources = [
        tmp_path / "red.webp",
        str(tmp_path / "red.webp"),
        png("blue"),
        Image.new("RGBA", (4, 4), "blue"),
        np.full((4, 4, 3), (255, 0, 0), np.uint8),
    ]
    results = models.classify(*sources * 4)
    assert [result.label for result in results] == ["red", "red", "blue", "blue", "red"] * 4
    assert list(results[0].scores.items()) == [("red", results[0].score), ("blue", 0.0)]
    assert results[0].score == 1.0


def test_stylize_by_image_by_name_and_by_code(models, png, tmp_path):
    red, blue = png("red"), png("blue")
    assert models.stylize(red, blue, style=png("green"), strength=0.5) == [
        b"|".join([content, png("green"), b"0.5"]) for content in (red, blue)
    ]
    assert models.stylize(red, style="starry-night") == [red + b"|starry-night"]
    [code] = models.encode_style(blue)
    np.testing.assert_allclose(code, [len(blue), 0.1 * len(blue)], rtol=1e-6)
    assert models.stylize_code(red, code=2 * code) == [red + b"|%d" % (2 * len(blue))]
    (tmp_path / "painting").write_bytes(png("green"))
    assert models.stylize(red, style=str(tmp_path / "painting")) == [b"|".join([red, png("green"), b"1"])]


def test_photos_are_sent_upright(models):
    pixels = np.zeros((24, 40, 3), np.uint8)
    pixels[:, 20:] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", exif=exif, quality=90)
    [answer] = models.stylize(buffer.getvalue(), style="starry-night")
    sent = Image.open(io.BytesIO(answer.removesuffix(b"|starry-night")))
    assert (sent.format, sent.size) == ("JPEG", (24, 40))
    assert sent.getexif().get(0x0112, 1) == 1
    shown = np.asarray(sent)
    assert shown[10, 12].tolist() == [0, 0, 0]
    assert shown[30, 12, 0] > 250


def test_versions(models):
    assert models.versions("photos") == [VersionStatus(1, "AVAILABLE", "")]


@pytest.mark.parametrize(
    ("version", "code", "message"),
    [
        (7, "NOT_FOUND", r"Servable not found for request: Specific\(photos, 7\)"),
        ("nightly", "INVALID_ARGUMENT", "Unrecognized servable version label: nightly"),
    ],
)
def test_refusals_have_the_same_code_over_both_protocols(address, png, version, code, message):
    with (
        Client(address, NAMES, version=version) as client,
        pytest.raises(RequestError, match=rf"^{address}: {message} \({code}\)$") as raised,
    ):
        client.classify(png("red"))
    assert raised.value.code == code


def test_any_version_and_a_number(address, png):
    for version in (None, 1):
        with Client(address, NAMES, version=version) as client:
            assert client.classify(png("red"))[0].label == "red"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.classify(), "no photo was given"),
        (lambda c: c.classify(b"hello"), "photo: not an image in a known format"),
        (lambda c: c.classify("/nowhere/a.jpg"), "/nowhere/a.jpg: No such file or directory"),
        (lambda c: c.classify(np.zeros((4, 4, 3))), r"photo: an array must be uint8 .* not float64 \[4, 4, 3\]"),
        (lambda c: c.stylize(Image.new("L", (4, 4)), style="gone.jpg"), "gone.jpg: no such file"),
        (lambda c: c.stylize(Image.new("L", (4, 4)), style="x", strength=2), "strength 2: must be between 0 and 1"),
        (lambda c: c.stylize_code(Image.new("L", (4, 4)), code=np.zeros((1, 2))), r"style code: .* shape \[1, 2\]"),
    ],
)
def test_mistakes_are_found_before_anything_is_sent(call, message):
    with Client("http://127.0.0.1:1") as client, pytest.raises(ServingError, match=message):
        call(client)


@pytest.mark.parametrize("address", ["localhost:8501", "ftp://here", "http://"])
def test_addresses_are_checked(address):
    with pytest.raises(ServingError, match=f"{address}: give an address such as"):
        Client(address)


def test_batches_are_bounded_in_files_and_in_bytes(monkeypatch):
    assert [len(batch) for batch in calls._batches([b"x"] * 35)] == [16, 16, 3]
    monkeypatch.setattr(calls, "MAX_BYTES", 10)
    assert [len(batch) for batch in calls._batches([b"xxxx"] * 4 + [b"x" * 99])] == [2, 2, 1]
    assert [len(batch) for batch in calls._batches([b"xxxx"] * 3, extra=4)] == [1, 1, 1]


@contextlib.contextmanager
def answering(*answers):
    """A server that gives these `(status, headers, document)` in turn, and the list of what it was asked."""
    asked, left = [], list(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            status, headers, document = left.pop(0)
            self.send_response(status)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


STATUS = {"model_version_status": [{"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK"}}]}


@pytest.mark.parametrize("kind", [Client, Synchronously])
def test_a_busy_server_is_asked_again(kind):
    answers = [(429, {}, {"error": "full"}), (503, {"Retry-After": "0"}, {"error": "starting"}), (200, {}, STATUS)]
    with answering(*answers) as (address, asked):
        client = kind(address, Options(api_key="secret"))
        assert client.versions("photos") == [VersionStatus(3, "AVAILABLE", "")]
    assert asked == [("/v1/models/photos", "Bearer secret")] * 3


def test_what_would_fail_again_is_not_sent_again():
    with answering((400, {}, {"error": "no"})) as (address, asked), pytest.raises(RequestError, match="no"):
        Client(address).versions("photos")
    assert len(asked) == 1


def test_another_server_is_told_apart():
    with (
        answering((404, {}, b"<html>")) as (address, _),
        pytest.raises(RequestError, match="HTTP status 404, and the answer is not one of TensorFlow Serving's"),
    ):
        Client(address).versions("photos")


def test_nobody_there(monkeypatch):
    with (
        Client("http://127.0.0.1:1", tries=2) as client,
        pytest.raises(RequestError, match="cannot be reached") as error,
    ):
        client.versions("photos")
    assert error.value.code == "UNAVAILABLE"


def test_the_command_asks_a_server(live, png, tmp_path):
    from click.testing import CliRunner

    from pipeline.cli import main

    (tmp_path / "a.png").write_bytes(png("red"))
    photo = str(tmp_path / "a.png")
    answer = CliRunner().invoke(main, ["classify", "--server", live, "--model", "photos", "--json", photo])
    assert json.loads(answer.stdout) == [
        {"path": photo, "label": "red", "score": 1.0, "scores": {"red": 1.0, "blue": 0}}
    ]
    answer = CliRunner().invoke(main, ["classify", "--server", live, photo])
    assert answer.exit_code == 2
    assert "no such" not in answer.output.lower()
    assert "Unrecognized servable version label: stable" in answer.output
    painted = str(tmp_path / "painted.png")
    command = ["stylize", "--server", live, "--model", "painter", "--content", photo, "-o", painted]
    answer = CliRunner().invoke(main, [*command, "--style", "missing.png"])
    assert "missing.png: no such file" in answer.output


class TestTries:
    """When a request is sent again; pauses are noted, not slept."""

    @pytest.fixture
    def send(self, monkeypatch):
        monkeypatch.setattr("random.uniform", lambda low, high: high)

        def send(*answers, **options):
            pauses, left = [], iter(answers)

            def once():
                answer = next(left)
                if isinstance(answer, Exception):
                    raise answer
                return answer

            tries = tenacity.Retrying(**retry.policy(Options(**options)), sleep=pauses.append)
            try:
                return tries(once), pauses
            except RequestError as error:
                return error.code, pauses

        return send

    def busy(self, retry_after=0.0):
        return RequestError("server", "RESOURCE_EXHAUSTED", "busy", retry_after)

    def test_pauses_grow_until_the_tries_are_used_up(self, send):
        assert send(*[self.busy()] * 3, "done") == ("done", pytest.approx([0.1, 0.2, 0.4]))
        assert send(*[self.busy()] * 9, tries=4) == ("RESOURCE_EXHAUSTED", pytest.approx([0.1, 0.2, 0.4]))

    def test_the_server_may_ask_for_more(self, send):
        assert send(self.busy(retry_after=3.0), "done") == ("done", [3.0])

    def test_no_pause_beyond_the_deadline(self, send):
        assert send(self.busy(retry_after=3.0), "done", timeout=2.0) == ("RESOURCE_EXHAUSTED", [])
        left = retry.countdown("server", 0.0)
        with pytest.raises(RequestError, match=r"no answer in 0 s \(DEADLINE_EXCEEDED\)"):
            left()

    def test_what_another_try_cannot_mend_is_said_at_once(self, send):
        assert send(RequestError("server", "INVALID_ARGUMENT", "no image"), "done") == ("INVALID_ARGUMENT", [])
