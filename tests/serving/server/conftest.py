import base64
import io

import pytest
from PIL import Image


@pytest.fixture(scope="package")
def core(serving):
    pytest.importorskip("tensorflow")
    pytest.importorskip("prometheus_client")
    from easel_serving.server.batching import Limits
    from easel_serving.server.core import Core
    from easel_serving.server.manager import Manager
    from easel_serving.server.metrics import Metrics
    from easel_serving.server.servable import Servable

    manager = Manager(serving, lambda path: Servable(path, Limits()))
    manager.refresh()
    yield Core(manager, Metrics())
    manager.stop()


@pytest.fixture(scope="package")
def client(core, serving):
    pytest.importorskip("httpx")
    testclient = pytest.importorskip("starlette.testclient")
    from easel_serving.directory import Directory
    from easel_serving.server.app import build
    from easel_serving.server.convenience import Convenience

    with testclient.TestClient(build(core, Convenience(core, Directory(serving)))) as made:
        yield made


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
