"""Webhooks against a real server on this machine."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from easel_serving.orders import webhooks
from easel_serving.orders.queue import Orders
from easel_serving.orders.table import ORDERS
from easel_serving.orders.webhooks import Caller
from easel_serving.orders.wishes import parse
from easel_serving.protocol.errors import ServingError

SECRET = "a secret of the shop"


class _Shop(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((body, self.headers[webhooks.HEADER]))
        status = self.server.answers.pop(0)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[http.server.HTTPServer]:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Shop)
    server.heard, server.answers = [], []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _finished(tmp_path: Path, address: str) -> Orders:
    queue = Orders.open(tmp_path)
    queue.place("", parse({"style": "wave", "webhook": address}), b"photo")
    queue.leases.finish(queue.leases.take(), b"picture", ".png", {})
    return queue


def _due(queue: Orders) -> None:
    with queue._database.writing() as connection:
        connection.execute(ORDERS.update().values(call_due=1.0))


def test_the_shop_hears_of_its_order_until_it_answers(tmp_path: Path, shop: http.server.HTTPServer) -> None:
    host = f"127.0.0.1:{shop.server_port}"
    queue = _finished(tmp_path, f"http://{host}/done")
    shop.answers[:] = [500, 302, 204]
    caller = Caller(queue, SECRET, [host])
    for _ in range(3):
        assert caller.call_due()
        _due(queue)
    assert not caller.call_due()
    caller.close()
    assert len(shop.heard) == 3, "a redirection is not followed"
    body, header = shop.heard[-1]
    assert json.loads(body)["event"] == "order.done"
    assert webhooks.verify(body, header, SECRET)
    assert not webhooks.verify(body + b" ", header, SECRET)
    assert not webhooks.verify(body, header, "another")
    assert not webhooks.verify(body, header, SECRET, now=1e12), "an old call that is sent again"


def test_only_configured_hosts_are_called(tmp_path: Path, shop: http.server.HTTPServer) -> None:
    queue = _finished(tmp_path, f"http://127.0.0.1:{shop.server_port}/done")
    caller = Caller(queue, SECRET, ["shop.example"])
    assert caller.call_due()
    caller.close()
    assert shop.heard == []


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/",
        "https://shop.example.evil/",
        "https://evil/?shop.example",
        "https://evil/#@shop.example/",
        "https://shop.example@evil/",
        "https://shop.example\\@evil/",
        "https://shop.example:99999/",
        "https://shop.example:22/",
        "https://",
    ],
)
def test_other_hosts_are_refused(address: str) -> None:
    with pytest.raises(ServingError, match="webhook"):
        webhooks.require_host(address, ["shop.example"])


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://SHOP.example/done", "shop.example"),
        ("http://shop.example:80/done", "Shop.Example"),
        ("https://shop.example/done", "shop.example:443"),
        ("https://shop.example:8443/done", "shop.example:8443"),
        ("http://[::1]:8080/done", "[::1]:8080"),
    ],
)
def test_a_host_is_that_of_http_and_a_port_is_named(address: str, host: str) -> None:
    webhooks.require_host(address, [host])
    with pytest.raises(ServingError, match="not among the hosts"):
        webhooks.require_host(address, [host + ".evil", "evil"])


def test_the_signature_is_stripes() -> None:
    # HMAC-SHA256 of b"1700000000.{}" with the key b"k", by OpenSSL.
    expected = "t=1700000000,v1=" + __import__("hmac").new(b"k", b"1700000000.{}", "sha256").hexdigest()
    assert webhooks.signature(b"{}", "k", 1700000000.9) == expected
