"""The web page and the convenience calls as routes, for the embedded server and for the gateway."""

import importlib.resources

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from easel_serving.server.page.convenience import ROOT, Convenience

_FILES = {
    "index.html": "text/html",
    "page.css": "text/css",
    "common.js": "text/javascript",
    "page.js": "text/javascript",
    "mask.js": "text/javascript",
    "orders.html": "text/html",
    "orders.js": "text/javascript",
    "openapi.json": "application/json",
}

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


_PLACE = b"<!-- pages -->"
_ORDERS = b'<nav aria-label="Pages"><a href="orders">Orders</a></nav>'


def routes(convenience: Convenience, orders: bool = False) -> list[Route]:
    """`/`, its files, and `/easel/v1/...`.

    Args:
        convenience: the calls.
        orders: whether orders are taken here: then `/orders` is their page, and `/` leads there.
    """
    return [
        Route("/", _file("index.html", _ORDERS if orders else b"")),
        *([Route("/orders", _file("orders.html"))] if orders else []),
        Route("/easel/{name:str}", _static),
        Route(f"{ROOT}/openapi.json", _file("openapi.json")),
        Route(f"{ROOT}/models", convenience.models),
        Route(f"{ROOT}/status", convenience.status),
        Route(f"{ROOT}/classify", convenience.classify, methods=["POST"]),
        Route(f"{ROOT}/stylize", convenience.stylize, methods=["POST"]),
        Route(f"{ROOT}/pictures/{{model:str}}/{{version:int}}/{{name:str}}", convenience.picture),
    ]


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ("page.css", "common.js", "page.js", "mask.js", "orders.js"):
        return JSONResponse({"error": f"no such file: {name}"}, 404)
    return _response(name)


def _file(name: str, pages: bytes = b""):
    async def answer(request: Request) -> Response:
        return _response(name, pages)

    return answer


def _response(name: str, pages: bytes = b"") -> Response:
    content = importlib.resources.files("easel_serving.server.page").joinpath("static", name).read_bytes()
    return Response(content.replace(_PLACE, pages), media_type=_FILES[name], headers=_HEADERS)
