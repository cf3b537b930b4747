import io

import pytest
from PIL import Image, ImageOps


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


@pytest.mark.usefixtures("painted")
def test_only_a_part_of_the_photo_is_painted(client, png):
    photo = {"content": ("photo.png", png("red", (60, 40)))}
    left = Image.new("L", (30, 20), "black")
    left.paste("white", (0, 0, 15, 20))
    half = ("mask.png", encoded(left))

    def colours(files=(), **data):
        answer = client.post("/easel/v1/stylize", files={**photo, **dict(files)}, data={"style_name": "blue", **data})
        assert answer.status_code == 200, answer.json()
        picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
        assert picture.size == (60, 40)
        return [picture.getpixel((x, 20)) for x in (5, 55)]

    red, blue, lime = (255, 0, 0), (0, 0, 255), (0, 255, 0)
    assert colours() == [blue, blue]
    assert colours({"mask": half}) == [blue, red]
    assert colours({"region": half}, region_style_name="lime") == [lime, blue]
    other = ("mask.png", encoded(ImageOps.mirror(left)))
    assert colours({"mask": half, "region2": other}, region2_style_name="lime") == [blue, lime]


@pytest.mark.usefixtures("painted")
def test_the_subject_or_what_is_around_it_is_painted(client):
    photo = Image.new("RGB", (90, 60), "white")
    photo.paste((200, 0, 0), (30, 20, 60, 40))
    files = {"content": ("photo.png", encoded(photo))}

    def colours(**data):
        answer = client.post("/easel/v1/stylize", files=files, data={"style_name": "blue", **data})
        assert answer.status_code == 200, answer.json()
        picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
        return [picture.getpixel(place) for place in ((45, 30), (5, 5))]

    assert colours(only="subject", box="25,15,40,30") == [(0, 0, 255), (255, 255, 255)]
    assert colours(only="background", box="25,15,40,30") == [(200, 0, 0), (0, 0, 255)]
    files["content"] = ("photo.png", encoded(Image.new("RGB", (90, 60), "white")))
    assert colours(only="subject", or_all="true") == [(0, 0, 255)] * 2


@pytest.mark.parametrize(
    ("files", "data", "message"),
    [
        ({"mask": (60, 60)}, {}, "a mask of 60 x 60 pixels does not fit a photo of 90 x 60"),
        ({"mask": (90, 60)}, {"only": "subject"}, "mask: goes without only"),
        ({"region": (90, 60)}, {}, "region: name or send the painting"),
        ({}, {"mask": "white"}, "mask: send an image"),
        ({}, {"only": "middle"}, "only middle: must be subject or background"),
        ({}, {"box": "1,2,3,4"}, "box: goes with only"),
        ({}, {"only": "subject", "box": "1,2,3"}, "LEFT,TOP,WIDTH,HEIGHT"),
        ({}, {"only": "subject", "box": "900,2,3,4"}, "outside of a photo of 90 x 60"),
        ({}, {"only": "subject"}, "no subject was found"),
    ],
)
def test_masks_that_cannot_be_are_named(client, files, data, message):
    sent = {"content": ("photo.png", encoded(Image.new("RGB", (90, 60), "white")))}
    sent |= {field: ("mask.png", encoded(Image.new("L", size, "white"))) for field, size in files.items()}
    answer = client.post("/easel/v1/stylize", files=sent, data={"style_name": "Great-Wave", **data})
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def encoded(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def painted(monkeypatch):
    """Pictures in one colour, the name of the painting."""
    pytest.importorskip("cv2")
    from easel_serving.server.page.painting import Painter

    async def paint(self, model, content, style, strength, other, mix):
        return 1, encoded(Image.new("RGB", Image.open(io.BytesIO(content)).size, style.name))

    monkeypatch.setattr(Painter, "paint", paint)
