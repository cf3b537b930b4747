"""The web page in front of another server: `python -m easel_serving.gateway DIR --server http://tf-serving:8501`.

For TensorFlow Serving, which has no page. Needs the extra `gateway`, no TensorFlow; reads the same serving directory
for the names, the pictures and the labels of what the other server runs.
"""

import argparse
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from easel_serving.client import AsyncClient
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import StatusError
from easel_serving.registry import config_files
from easel_serving.registry.directory import Directory
from easel_serving.server.api import cors
from easel_serving.server.limits.bounds import Bounds, Budget
from easel_serving.server.limits.metrics import Metrics
from easel_serving.server.page import pages
from easel_serving.server.page.backends import Gateway
from easel_serving.server.page.convenience import Convenience


def build(client: AsyncClient, directory: Directory, origins: Sequence[str] = ()) -> ASGIApp:
    """The application; it closes the client when it ends. `origins`: whose pages may ask besides its own."""
    backend, metrics, limits = Gateway(client, directory), Metrics(), Bounds()

    async def live(request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def ready(request: Request) -> Response:
        try:
            served = await backend.models()
        except StatusError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse("ready\n") if served else PlainTextResponse("no model is loaded\n", 503)

    async def page(request: Request) -> Response:
        return Response(metrics.page(), media_type="text/plain")

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await client.close()

    routes = [
        *pages.routes(Convenience(backend, directory, metrics, limits, Budget(limits.pending_bytes))),
        Route("/healthz", live),
        Route("/readyz", ready),
        Route(config_files.METRICS_PATH, page),
    ]
    return cors.allow(Starlette(routes=routes, lifespan=lifespan), origins)


def main(arguments: list[str] | None = None) -> None:
    """Serves until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m easel_serving.gateway", description=__doc__.splitlines()[0])
    parser.add_argument("serving_dir", type=Path, help="the serving directory that the server reads")
    parser.add_argument("--server", required=True, metavar="URL", help="the server that runs the models")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--cors-origin", action="append", default=[], metavar="ORIGIN", help="whose pages may ask, too")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # uvicorn stops gracefully on a signal and then raises it again, which would look like a crash.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        cors.check(given.cors_origin)
        # One try: the page asks again by itself, and a probe wants to know now.
        client = AsyncClient(given.server, tries=1)
        app = build(client, Directory(given.serving_dir), given.cors_origin)
        uvicorn.run(app, host=given.host, port=given.port, log_config=None)
    except ServingError as error:
        sys.exit(f"easel: {error}")


if __name__ == "__main__":
    main()
