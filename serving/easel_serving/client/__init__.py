"""Calls the models on a server: TensorFlow Serving or the embedded one, REST or gRPC, with the same code.

    client = easel_serving.Client("http://localhost:8501")
    [photo] = client.classify("photo.jpg")
    print(photo.label, photo.score)
    [painted] = client.stylize("photo.jpg", style="painting.png", strength=0.8)
    Path("painted.jpg").write_bytes(painted)

Images are paths, bytes in any common format, Pillow images or uint8 arrays [H, W, 3] or [H, W]. What goes over the
wire is an upright, 8-bit sRGB JPEG or PNG. Calls are cut into batches; a server that is busy (429) or starting (503) is
asked again, with growing pauses, until `timeout`.
"""

from easel_serving.client.asynchronous import AsyncClient
from easel_serving.client.calls import Classification
from easel_serving.client.errors import RequestError
from easel_serving.client.options import Options
from easel_serving.client.results import VersionStatus
from easel_serving.client.synchronous import Client

__all__ = ["AsyncClient", "Classification", "Client", "Options", "RequestError", "VersionStatus"]
