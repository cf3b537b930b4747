import base64
import contextlib
import io
import socket
import threading
import time

import pytest
from PIL import Image


@pytest.fixture(scope="package")
def core(serving):
    pytest.importorskip("tensorflow")
    pytest.importorskip("prometheus_client")
    from easel_serving.server.limits.batching import Limits
    from easel_serving.server.limits.metrics import Metrics
    from easel_serving.server.loading.core import Core
    from easel_serving.server.loading.manager import Manager
    from easel_serving.server.loading.saved_model_servable import SavedModelServable

    manager = Manager(serving, lambda path: SavedModelServable(path, Limits()))
    manager.refresh()
    yield Core(manager, Metrics())
    manager.stop()


@pytest.fixture(scope="package")
def client(core, serving):
    pytest.importorskip("httpx")
    testclient = pytest.importorskip("starlette.testclient")
    from easel_serving.registry.directory import Directory
    from easel_serving.server.page.convenience import Convenience
    from easel_serving.server.process.app import build

    with testclient.TestClient(build(core, Convenience.embedded(core, Directory(serving)))) as made:
        yield made


@contextlib.contextmanager
def served(app):
    """The address of an application that listens on a real port."""
    uvicorn = pytest.importorskip("uvicorn")
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="package")
def live(client):
    """The address of the embedded server, in this process."""
    with served(client.app) as address:
        yield address


@pytest.fixture(scope="package")
def png():
    """Encodes a picture of one colour."""

    def make(colour, size=(4, 4), format="PNG"):
        buffer = io.BytesIO()
        Image.new("RGB", size, colour).save(buffer, format)
        return buffer.getvalue()

    return make


@pytest.fixture(scope="package")
def b64(png):
    """A picture of one colour as the JSON of a REST call."""
    return lambda colour: {"b64": base64.b64encode(png(colour)).decode()}
