import pytest


def test_health(client):
    assert client.get("/healthz").text == "alive\n"
    assert client.get("/readyz").text == "ready\n"


def test_what_is_loading_is_told(tmp_path, saved_model, png):
    import threading

    from easel_serving.registry.directory import Directory
    from easel_serving.registry.registry import Registry
    from easel_serving.server.limits.metrics import Metrics
    from easel_serving.server.loading.core import Core
    from easel_serving.server.loading.manager import Manager
    from easel_serving.server.page.convenience import Convenience
    from easel_serving.server.process.app import build

    gate, started = threading.Event(), threading.Event()

    def load(path):
        started.set()
        assert gate.wait(20)
        raise ValueError("this graph is broken")

    registry = Registry(tmp_path / "serving")
    registry.push("photos", saved_model("one"), {"kind": "classifier"})
    manager = Manager(registry.root, load)
    core = Core(manager, Metrics())
    client = pytest.importorskip("starlette.testclient").TestClient(
        build(core, Convenience.embedded(core, Directory(registry.root)))
    )
    manager.start()
    assert started.wait(20)
    assert client.get("/easel/v1/models").json() == []
    [waiting] = client.get("/easel/v1/status").json()
    seconds = waiting.pop("seconds")
    assert waiting == {"model": "photos", "version": 1, "state": "LOADING", "error": ""}
    assert 0 <= seconds < 20
    ready = client.get("/readyz")
    assert (ready.status_code, ready.text.splitlines()[0]) == (503, "loading")
    assert "photos version 1 is loading, " in ready.text
    answer = client.post("/easel/v1/classify", files={"image": ("a.png", png("red"))})
    assert answer.status_code == 503
    assert "photos version 1 is loading, " in answer.json()["error"]
    gate.set()
    manager.stop()
    [failed] = client.get("/easel/v1/status").json()
    assert (failed["state"], failed["error"]) == ("LOADING", "this graph is broken")


def test_models(client):
    painter, photos = client.get("/easel/v1/models").json()
    assert painter == {
        "model": "painter",
        "kind": "style",
        "version": 1,
        "labels": {"stable": 1},
        "styles": ["Great-Wave", "starry-night"],
        "classes": [],
        "pictures": {},
    }
    assert photos["kind"] == "classifier"


def test_classify_takes_what_phones_send(client, png):
    files = [("image", ("a.webp", png("red", format="WEBP"))), ("image", ("b.png", png("blue")))]
    answer = client.post("/easel/v1/classify", files=files).json()
    assert [(item["name"], item["label"], item["version"]) for item in answer] == [
        ("a.webp", "red", 1),
        ("b.png", "blue", 1),
    ]


def test_stylize(client, png):
    content = {"content": ("photo.png", png("red"))}
    answer = client.post("/easel/v1/stylize", files=content, data={"style_name": "Great-Wave"})
    assert answer.content == png("red") + b"|Great-Wave"
    assert (answer.headers["x-easel-version"], answer.headers["content-type"]) == ("1", "image/png")
    answer = client.post(
        "/easel/v1/stylize", files={**content, "style": ("p.png", png("blue"))}, data={"strength": "0.5"}
    )
    assert answer.content == png("red") + b"|" + png("blue") + b"|0.5"


def test_two_paintings_are_mixed_as_their_codes(client, png):
    red, green, blue = png("red", (4, 4)), png("green", (40, 40)), png("blue", (90, 90))
    files = {"content": ("photo.png", red), "style": ("a.png", green), "mix_style": ("b.png", blue)}

    def mixed(**data):
        return client.post("/easel/v1/stylize", files=files, data={"mix": "0.25", **data}).content

    # the model of these tests encodes an image as its length, and paints a code by writing it down
    code = 0.75 * len(green) + 0.25 * len(blue)
    head, _, number = mixed().rpartition(b"|")
    assert (head, float(number)) == (red, pytest.approx(code, rel=1e-6))
    assert float(mixed(strength="0.5").rpartition(b"|")[2]) == pytest.approx((code + len(red)) / 2, rel=1e-6)
    assert mixed(strength="0") == b"|".join([red, green, b"0"])
    assert mixed(mix="0") == b"|".join([red, green, b"1"])
    assert mixed(mix="1") == b"|".join([red, blue, b"1"])


def test_mistakes_are_named(client, png):
    content = {"content": ("photo.png", png("red"))}
    for call, message in (
        ({"json": {}}, "send multipart/form-data"),
        ({"files": {"image": ("notes.txt", b"hello")}}, "notes.txt: not an image in a known format"),
    ):
        answer = client.post("/easel/v1/classify", **call)
        assert (answer.status_code, answer.json()) == (400, {"error": message})
    for data, message in (({}, "style_name"), ({"style_name": "x", "strength": "2"}, "strength 2: must be a number")):
        answer = client.post("/easel/v1/stylize", files=content, data=data)
        assert answer.status_code == 400
        assert message in answer.json()["error"]


def test_metrics_have_tensorflow_servings_names(client):
    client.post("/v1/models/photos:predict", json={"instances": [7]})
    text = client.get("/monitoring/prometheus/metrics").text
    assert ':tensorflow:serving:request_count{model_name="photos",status="INVALID_ARGUMENT",version="1"}' in text
    assert ':tensorflow:serving:request_latency_bucket{API="Predict",entrypoint="REST"' in text
