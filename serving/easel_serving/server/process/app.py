"""The HTTP application: TensorFlow Serving's API, metrics, health, the convenience calls and the web page."""

import asyncio
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from easel_serving.registry import config_files
from easel_serving.server.api import cors
from easel_serving.server.api.access import AccessLog, ApiKey
from easel_serving.server.api.rest import RestApi
from easel_serving.server.loading.core import Core
from easel_serving.server.page import pages
from easel_serving.server.page.convenience import Convenience


def build(
    core: Core,
    convenience: Convenience,
    api_keys: Sequence[str] = (),
    metrics_path: str | None = config_files.METRICS_PATH,
    origins: Sequence[str] = (),
    is_ready: Callable[[], bool] | None = None,
    more_routes: Sequence[Route] = (),
) -> ASGIApp:
    """The application; it starts and stops nothing.

    Args:
        core: the models.
        convenience: the calls beside TensorFlow Serving's.
        api_keys: one of them must every request bring; none ask for nothing.
        metrics_path: where the metrics are; None for nowhere.
        origins: whose pages may ask besides its own (`easel_serving.server.api.cors`).
        is_ready: what `/readyz` asks; by default whether every model has a version that answers.
        more_routes: of orders, where they are taken; their page is there then, too.
    """

    async def live(request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def ready(request: Request) -> Response:
        if (is_ready or core.manager.ready)():
            return PlainTextResponse("ready\n")
        return PlainTextResponse("\n".join(["loading", *map(str, core.manager.progress()), ""]), 503)

    async def metrics(request: Request) -> Response:
        # In a thread: the queue's figures are asked of a database.
        return Response(await asyncio.to_thread(core.metrics.page), media_type="text/plain")

    rest = RestApi(core)
    routes = [
        *more_routes,
        *pages.routes(convenience, orders=bool(more_routes)),
        Route("/healthz", live),
        Route("/readyz", ready),
        *([Route(metrics_path, metrics)] if metrics_path else []),
        Route("/{path:path}", rest.handle, methods=["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]),
    ]
    app: ASGIApp = Starlette(routes=routes, exception_handlers={Exception: _unexpected})
    return AccessLog(cors.allow(ApiKey(app, api_keys) if api_keys else app, origins))


async def _unexpected(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "Internal error; see the server's log"}, 500)
