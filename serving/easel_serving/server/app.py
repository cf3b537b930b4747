"""The HTTP application: TensorFlow Serving's API, metrics, health, the convenience calls and the web page."""

import importlib.resources
import logging
import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from easel_serving import config_files
from easel_serving.server.convenience import Convenience
from easel_serving.server.core import Core
from easel_serving.server.rest import RestApi

ACCESS = logging.getLogger("easel.serving.access")


def build(core: Core, convenience: Convenience) -> ASGIApp:
    """The application; it starts and stops nothing."""

    async def live(request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def ready(request: Request) -> Response:
        return PlainTextResponse("ready\n") if core.manager.ready() else PlainTextResponse("loading\n", 503)

    async def metrics(request: Request) -> Response:
        return Response(core.metrics.page(), media_type="text/plain")

    async def page(request: Request) -> Response:
        return HTMLResponse(
            importlib.resources.files("easel_serving.server").joinpath("static/index.html").read_text("utf-8"),
            headers={"Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; "
                     "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'"},
        )  # fmt: skip

    rest = RestApi(core)
    routes = [
        Route("/", page),
        Route("/healthz", live),
        Route("/readyz", ready),
        Route(config_files.METRICS_PATH, metrics),
        Route("/easel/v1/models", convenience.models),
        Route("/easel/v1/classify", convenience.classify, methods=["POST"]),
        Route("/easel/v1/stylize", convenience.stylize, methods=["POST"]),
        Route("/{path:path}", rest.handle, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
    ]
    return AccessLog(Starlette(routes=routes, exception_handlers={Exception: _unexpected}))


async def _unexpected(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "Internal error; see the server's log"}, 500)


class AccessLog:
    """One structured record a request on logger `easel.serving.access`: method, path, status, milliseconds."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start = 0, time.perf_counter()

        async def observed(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            facts = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round((time.perf_counter() - start) * 1e3, 1),
                "client": (scope.get("client") or ("",))[0],
            }
            ACCESS.info(" ".join(f"{key}={value}" for key, value in facts.items()), extra={"access": facts})
