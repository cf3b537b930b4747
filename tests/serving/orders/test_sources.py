"""What may be fetched."""

import http.server
import socket
import threading

import fsspec
import httpx
import pytest
from easel_serving.orders import sources
from easel_serving.protocol.errors import ServingError

PREFIX = "memory://shop/in/"


@pytest.fixture(autouse=True)
def bucket() -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/shop/in/a photo.jpg", b"photo")
    system.pipe("/shop/secret.jpg", b"secret")
    system.pipe("/shop/inside/b.jpg", b"secret")


def test_a_photo_below_a_prefix_is_fetched() -> None:
    assert sources.fetch("memory://shop/in/a photo.jpg", [PREFIX], 5) == b"photo"


@pytest.mark.parametrize(
    "address",
    [
        "memory://shop/in/../secret.jpg",
        "memory://shop/in/./a photo.jpg",
        "memory://shop/in//a photo.jpg",
        "memory://shop/in/%2e%2e/secret.jpg",
        "memory://shop/inside/b.jpg",
        "memory://shop/in",
        "file:///etc/passwd",
        "memory://user:password@shop/in/a photo.jpg",
        "/etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "simplecache::memory://shop/in/a photo.jpg",
        "memory://shop/in/a photo.jpg\n",
        "",
    ],
)
def test_nothing_else_is(address: str) -> None:
    with pytest.raises(ServingError, match="only from configured places"):
        sources.fetch(address, [PREFIX], 100)


def test_a_missing_or_large_file_is_said() -> None:
    with pytest.raises(ServingError, match=r"no.jpg cannot be read"):
        sources.fetch("memory://shop/in/no.jpg", [PREFIX], 100)
    with pytest.raises(ServingError, match="more than 4 bytes"):
        sources.fetch("memory://shop/in/a photo.jpg", [PREFIX], 4)


@pytest.fixture
def web():
    """A web server that redirects from where it may be asked to where it may not."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/in/elsewhere.jpg":
                self.send_response(302)
                self.send_header("Location", "/secret.jpg")
                self.end_headers()
                return
            self.send_response(503 if self.path == "/in/busy.jpg" else 200)
            self.end_headers()
            self.wfile.write(b"photo" if self.path == "/in/a.jpg" else b"secret")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/in"
        server.shutdown()


def test_no_redirection_leads_out_of_a_prefix(web: str) -> None:
    assert sources.fetch(f"{web}/a.jpg", [web], 100) == b"photo"
    with pytest.raises(ServingError, match=r"elsewhere.jpg cannot be read"):
        sources.fetch(f"{web}/elsewhere.jpg", [web], 100)
    with pytest.raises(ServingError, match="more than 4 bytes"):
        sources.fetch(f"{web}/a.jpg", [web], 4)


def test_a_place_that_is_away_is_no_fault_of_the_order(web: str) -> None:
    with pytest.raises(sources.Away, match=r"busy.jpg cannot be read now"):
        sources.fetch(f"{web}/busy.jpg", [web], 100)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(sources.Away):
        sources.fetch(f"{nobody}/a.jpg", [nobody], 100)


def test_a_photo_that_trickles_is_given_up(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_SECONDS", 0.0)
    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda timeout, **more: client(timeout=5, **more))
    with pytest.raises(sources.Away, match="TimeoutError"):
        sources.fetch(f"{web}/a.jpg", [web], 100)
