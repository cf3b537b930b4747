"""The page in front of another server: here the embedded one, in a deployment TensorFlow Serving."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import easel_serving
import pytest
from easel_serving import AsyncClient
from easel_serving.gateway import app
from easel_serving.registry.directory import Directory


def opened(client, serving):
    testclient = pytest.importorskip("starlette.testclient")
    return testclient.TestClient(app.build(client, Directory(serving)))


@pytest.fixture(scope="module")
def page(live, serving):
    with opened(AsyncClient(live), serving) as made:
        yield made


def test_the_page_and_what_serves(page, client):
    assert page.get("/").text == client.get("/").text
    assert page.get("/easel/v1/models").json() == client.get("/easel/v1/models").json()
    assert (page.get("/healthz").text, page.get("/readyz").text) == ("alive\n", "ready\n")


def test_answers_are_the_servers(page, client, png):
    photo = {"image": ("a.webp", png("red", format="WEBP"))}
    assert page.post("/easel/v1/classify", files=photo).json() == client.post("/easel/v1/classify", files=photo).json()
    files = {"content": ("a.png", png("red")), "style": ("b.png", png("blue")), "mix_style": ("c.png", png("green"))}
    for data in ({"mix": "0"}, {"mix": "0.3", "strength": "0.7"}):
        ours, theirs = (server.post("/easel/v1/stylize", files=files, data=data) for server in (page, client))
        assert (ours.content, ours.headers["x-easel-version"]) == (theirs.content, theirs.headers["x-easel-version"])
    assert 'request_count{model_name="painter"' in page.get("/monitoring/prometheus/metrics").text


def test_pages_of_other_origins_may_ask_where_they_are_listed(live, serving):

    with pytest.importorskip("starlette.testclient").TestClient(
        app.build(AsyncClient(live), Directory(serving), ["https://shop.example"])
    ) as page:
        headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        for answer in (
            page.options("/easel/v1/classify", headers=headers),
            page.get("/easel/v1/models", headers=headers),
        ):
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://shop.example")


def test_refusals_are_passed_on(page, png):
    answer = page.post("/easel/v1/classify", files={"image": ("a.png", png("red"))}, data={"model": "nobody"})
    assert answer.status_code == 404
    assert "Could not find any versions of model nobody" in answer.json()["error"]


def test_a_server_that_is_away_is_said_to_be(serving):
    with opened(AsyncClient("http://127.0.0.1:1", tries=1), serving) as page:
        assert page.get("/").status_code == 200
        assert (page.get("/healthz").status_code, page.get("/readyz").status_code) == (200, 503)
        answer = page.get("/easel/v1/models")
        assert answer.status_code == 503
        assert "cannot be reached" in answer.json()["error"]


def test_ends_when_it_is_told_to(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(easel_serving.__file__).parent.parent)}
    command = [sys.executable, "-m", "easel_serving.gateway", tmp_path, "--server", "http://127.0.0.1:1", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert any("Uvicorn running" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(30) == 0
