"""Orders over HTTP."""

import contextlib
import sqlite3
import threading

import pytest
from easel_serving.orders.files import Away, NoSpace
from easel_serving.orders.limits import Limits
from easel_serving.orders.queue import Orders
from easel_serving.orders.wishes import parse
from easel_serving.protocol.errors import ServingError
from easel_serving.server.api.access import ApiKey
from easel_serving.server.api.orders import OrdersApi
from easel_serving.server.limits.bounds import Bounds, Budget
from easel_serving.storage.database import FILE, Full, Unavailable
from starlette.applications import Starlette

NOBODY = "http://127.0.0.1:9"
KEYS = ["the-key-of-the-first-shop", "the-key-of-the-second-shop"]


def _require_style(name: str) -> None:
    if name != "wave":
        raise ServingError(f"{name}: did you mean wave?")


@pytest.fixture
def queue(tmp_path) -> Orders:
    return Orders.open(tmp_path, limits=Limits(queued=5))


@pytest.fixture
def client(queue):
    bounds = Bounds(request_bytes=100_000, pixels=10_000)
    places = ["memory://shop/in", NOBODY]
    api = OrdersApi(queue, _require_style, ["shop.example"], places, bounds, Budget(1 << 20), ["https://shop.example"])
    testclient = pytest.importorskip("starlette.testclient")
    with testclient.TestClient(ApiKey(Starlette(routes=api.routes()), KEYS)) as made:
        made.headers["Authorization"] = f"Bearer {KEYS[0]}"
        yield made


def _place(client, photo, headers=None, **fields):
    return client.post("/v1/orders", files={"photo": photo}, data={"style": "wave", **fields}, headers=headers or {})


def test_from_photo_to_picture(client, queue, png) -> None:
    placed = _place(client, png("red"), strength="0.5", paper="A6", dpi="100")
    assert placed.status_code == 202
    where = placed.headers["Location"]
    assert placed.json()["state"] == "queued"
    assert where == f"/v1/orders/{placed.json()['id']}"
    early = client.get(f"{where}/result")
    assert (early.status_code, early.json()["state"]) == (404, "queued")
    queue.leases.finish(queue.leases.take(), b"picture", ".jpg", {"model": "style", "version": 3})
    shown = client.get(where).json()
    assert (shown["state"], shown["painted_by"]) == ("done", {"model": "style", "version": 3})
    result = client.get(f"{where}/result")
    assert (result.content, result.headers["content-type"]) == (b"picture", "image/jpeg")
    assert client.delete(where).status_code == 204
    assert client.get(where).status_code == 404


def test_a_failed_order_says_why(client, queue, png) -> None:
    where = _place(client, png("red")).headers["Location"]
    queue.leases.give_back(queue.leases.take(), "photo: cut off", passing=False)
    assert client.get(where).json()["reason"] == "photo: cut off"
    assert client.get(f"{where}/result").json()["error"] == "there is no picture yet: failed"


def test_the_same_key_is_the_same_order_and_never_another(client, png) -> None:
    key = {"Idempotency-Key": "order-4711"}
    first, again = (_place(client, png("red"), key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert (first.headers["Easel-Replayed"], again.headers["Easel-Replayed"]) == ("false", "true")
    assert _place(client, png("blue"), key).status_code == 409
    assert _place(client, png("red"), {"Idempotency-Key": ""}).status_code == 400


def test_everyone_sees_their_own(client, png) -> None:
    where = _place(client, png("red")).headers["Location"]
    other = {"Authorization": f"Bearer {KEYS[1]}"}
    for call in (client.get, client.delete):
        assert call(where, headers=other).status_code == 404
    assert client.get("/v1/orders", headers=other).json() == {"orders": []}
    assert client.get("/v1/orders", headers={"Authorization": "Bearer somebody-elses-key"}).status_code == 401
    assert client.get(where).status_code == 200


def test_pages(client, png) -> None:
    ids = [_place(client, png("red")).json()["id"] for _ in range(3)]
    first = client.get("/v1/orders?limit=2&state=queued").json()
    second = client.get(first["next"]).json()
    assert [order["id"] for order in first["orders"] + second["orders"]] == ids[::-1]
    assert "next" not in second


@pytest.mark.parametrize("query", ["limit=0", "limit=1e3", f"limit={'9' * 5000}", "limit=²", "state=lost", "limit=-1"])
def test_a_wrong_question_is_named(client, query) -> None:
    answer = client.get(f"/v1/orders?{query}")
    assert (answer.status_code, answer.json()["error"].split(":")[0]) == (400, query.split("=")[0])


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"style": "waves"}, 400, "did you mean wave"),
        ({"strength": "7"}, 400, "strength"),
        ({"paper": "10x10m"}, 400, "10x10m"),
        ({"size": "12000"}, 400, "size: 12000 makes too many pixels"),
        ({"paper": "100x100cm"}, 400, "paper: 100x100cm makes too many pixels"),
        ({"priority": "11"}, 400, "priority"),
        ({"webhook": "https://evil.example/"}, 400, "not among the hosts"),
        ({"webhook": "http://169.254.169.254/"}, 400, "not among the hosts"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
def test_what_cannot_be_is_refused(client, queue, png, fields, status, said) -> None:
    answer = _place(client, png("red"), **fields)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True)
    assert queue.page() == []
    assert queue.files.orphans(set(), 1e12) == [], "nothing of it stays"


def test_bad_photos_are_refused(client, queue, png) -> None:
    assert _place(client, b"no image").status_code == 400
    assert _place(client, png("red", (200, 200))).status_code == 400, "more pixels than are decoded"
    assert _place(client, b"x" * 200_000).status_code == 413
    assert client.post("/v1/orders", data={"style": "wave"}).status_code == 400
    assert client.post("/v1/orders", json={"style": "wave"}).status_code == 400
    fetched = client.post("/v1/orders", data={"style": "wave", "photo_url": "file:///etc/passwd"}, files={"x": b""})
    assert "configured places" in fetched.json()["error"] or fetched.status_code == 400
    assert queue.page() == []


def test_a_full_queue_says_when_to_come_again(client, png) -> None:
    answers = [_place(client, png("red")) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unavailable("/data: gone"), 503),
        (Away("/data: gone"), 503),
        (TimeoutError(), 503),
        (Full("/data: full"), 507),
        (NoSpace("/data: full"), 507),
        (OSError(28, "No space left on device", "/tmp/upload"), 507),
    ],
)
def test_a_database_or_store_that_is_gone_or_full(client, queue, png, monkeypatch, error, status) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(queue, "place", fails)
    answer = _place(client, png("red"))
    assert (answer.status_code, "Retry-After" in answer.headers) == (status, status == 503)
    assert not any(path in answer.json()["error"] for path in ("/data", "/tmp")), "it would tell paths of the server"


def test_a_picture_that_is_gone_is_said_without_its_place(client, queue, png) -> None:
    where = _place(client, png("red")).headers["Location"]
    queue.leases.finish(queue.leases.take(), b"picture", ".jpg", {})
    queue.files.remove(queue.page()[0].result)
    answer = client.get(f"{where}/result")
    assert (answer.status_code, answer.json()) == (404, {"error": "its picture is gone"})


def test_a_place_of_photos_that_is_away_is_asked_again_later(client, queue) -> None:
    fields = {"style": "wave", "photo_url": f"{NOBODY}/a.jpg"}
    answer = client.post("/v1/orders", data=fields, files={"mask": b""})
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
    assert "try again" in answer.json()["error"]


def test_a_database_that_hangs_holds_up_nobody_for_long(queue, png, monkeypatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(queue, "find", lambda *_: free.wait(20))
    api = OrdersApi(queue, _require_style, [], [], Bounds(seconds=0.2), Budget(1 << 20))
    with pytest.importorskip("starlette.testclient").TestClient(Starlette(routes=api.routes())) as impatient:
        for _ in range(10):  # more than there are threads
            assert impatient.get("/v1/orders/a").status_code == 503
        free.set()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, 202),
        ({"Sec-Fetch-Site": "none"}, 202),
        ({"Origin": "http://testserver"}, 202),
        ({"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}, 202),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://other.testserver"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_page_elsewhere_can_neither_place_nor_remove(client, queue, png, headers, status) -> None:
    """A form needs no leave to post, and the browser sends the password along."""
    assert _place(client, png("red"), headers).status_code == status
    assert len(queue.page()) == (status == 202)
    order, _ = queue.place(queue.page()[0].owner if queue.page() else "", parse({"style": "wave"}), b"photo")
    gone = client.delete(f"/v1/orders/{order.id}", headers=headers).status_code
    assert gone == (403 if status == 403 else 204)
    assert client.get("/v1/orders", headers=headers).status_code == 200, "to read is the browser's own rule"


def test_every_refusal_is_json(client) -> None:
    answer = client.post("/v1/orders", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert (answer.status_code, answer.json()) == (400, {"error": "Missing boundary in multipart."})
    assert client.get("/v1/orders/a%00b").status_code == 404


def test_a_database_that_is_held_is_said_and_nothing_is_lost(client, queue, png, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("easel_serving.storage.database._WAIT_SECONDS", 0.1)
    impatient = Orders.open(tmp_path)
    monkeypatch.setattr(queue, "_database", impatient._database)
    placed = _place(client, png("red")).json()["id"]
    with contextlib.closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        refused = _place(client, png("blue"))
        assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (503, True)
        assert client.get(f"/v1/orders/{placed}").status_code == 200, "what was taken is still told"
        connection.execute("ROLLBACK")
    assert _place(client, png("blue")).status_code == 202
    known = {order.photo for order in queue.page()}
    assert (len(known), queue.files.orphans(known, 1e12)) == (2, [])


def test_a_mask_comes_with_the_photo(client, queue, png) -> None:
    files = {"photo": png("red"), "mask": png("white")}
    placed = client.post("/v1/orders", files=files, data={"style": "wave"}).json()
    assert placed["mask"] is True
    assert queue.files.get(queue.find(placed["id"]).mask) == png("white")
    client.delete(f"/v1/orders/{placed['id']}")
    assert queue.files.orphans(set(), 1e12) == []
    both = client.post("/v1/orders", files=files, data={"style": "wave", "only": "subject"})
    assert (both.status_code, both.json()["error"]) == (400, "mask and only: give one of them")
    for bad in (b"no image", png("white", (99, 101))):
        answer = client.post("/v1/orders", files={**files, "mask": bad}, data={"style": "wave"})
        assert answer.status_code == 400


def test_the_same_key_with_another_mask_is_another_request(client, png) -> None:
    key = {"Idempotency-Key": "4711"}
    answers = [
        client.post("/v1/orders", files={"photo": png("red"), "mask": mask}, data={"style": "wave"}, headers=key)
        for mask in (png("white"), png("white"), png("black"))
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 409]
