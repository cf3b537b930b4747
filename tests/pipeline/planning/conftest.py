"""A server that stands for the one that Keras downloads weights from: no test asks that."""

import contextlib
import http.server
import threading
import time
import urllib.request

import pytest


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Names of the files that a local server has; every address leads there, and Keras' cache is empty."""
    files, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            answer = files.get(self.path.rsplit("/", 1)[1], 404)
            if answer == "late":
                time.sleep(1.5)
            self.send_response(answer if isinstance(answer, int) else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    real = urllib.request.urlopen

    def here(request, timeout):
        path = urllib.request.urlparse(request.full_url).path
        local = f"http://127.0.0.1:{server.server_port}{path}"
        return real(urllib.request.Request(local, method=request.get_method()), timeout=timeout)

    monkeypatch.setattr(urllib.request, "urlopen", here)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    files["asked"] = asked
    with contextlib.closing(server.socket):
        yield files
        server.shutdown()
