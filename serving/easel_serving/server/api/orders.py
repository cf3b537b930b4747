"""Orders over HTTP: `/v1/orders`, beside TensorFlow Serving's paths, which begin with `/v1/models`.

Placed by multipart (`photo`, `style`, ... as `easel_serving.orders.wishes.Wishes`) with an optional header
`Idempotency-Key`; answered with 202 and `Location`. Errors are `{"error": message}`.
"""

import asyncio
import concurrent.futures
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from easel_serving.orders import sources, webhooks
from easel_serving.orders.files import Away, Gone, NoSpace, is_full
from easel_serving.orders.queue import Conflict, Missing, Orders, TooMany
from easel_serving.orders.table import DONE, STATES, Order
from easel_serving.orders.wishes import FORMATS, Wishes, parse
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import StatusError, invalid
from easel_serving.server.api import cors, forms
from easel_serving.server.api.access import presented
from easel_serving.server.api.rest import read_body
from easel_serving.server.limits import pixels
from easel_serving.server.limits.bounds import Bounds, Budget
from easel_serving.server.limits.offload import within
from easel_serving.storage.database import Full, Unavailable

LOGGER = logging.getLogger("easel.serving")

ROOT = "/v1/orders"
_PAGE = 200
_AGAIN = {"Retry-After": "30"}
_NO_ROOM = "there is no room for this now; nothing of it was taken"
_PRIORITIES = range(-10, 11)
_WAITING, _FETCHING = 8, 4
"""Threads that wait for the database and for other servers: of their own, so that models answer meanwhile."""

_Found = TypeVar("_Found")


class OrdersApi:
    """The routes.

    Args:
        orders: the queue.
        require_style: raises ServingError, with the nearest name, for a style that is not served.
        hosts: that webhooks may call.
        prefixes: under which photos may be fetched (`photo_url`).
        limits: what a request may cost.
        budget: bytes that all requests may hold.
        origins: whose pages may place and remove orders besides the server's own.
    """

    def __init__(
        self,
        orders: Orders,
        require_style: Callable[[str], None],
        hosts: Sequence[str],
        prefixes: Sequence[str],
        limits: Bounds,
        budget: Budget,
        origins: Sequence[str] = (),
    ):
        self._orders, self._require_style = orders, require_style
        self._hosts, self._prefixes = hosts, prefixes
        self._limits, self._budget, self._origins = limits, budget, origins
        self._waiting = concurrent.futures.ThreadPoolExecutor(_WAITING, "orders")
        self._fetching = concurrent.futures.ThreadPoolExecutor(_FETCHING, "photos")

    def routes(self) -> list[Route]:
        """For the application, before TensorFlow Serving's."""
        return [
            Route(ROOT, self._handler(self._place), methods=["POST"]),
            Route(ROOT, self._handler(self._list), methods=["GET"]),
            Route(f"{ROOT}/{{id:str}}", self._handler(self._show), methods=["GET"]),
            Route(f"{ROOT}/{{id:str}}", self._handler(self._remove), methods=["DELETE"]),
            Route(f"{ROOT}/{{id:str}}/result", self._handler(self._result), methods=["GET"]),
        ]

    def _handler(self, call: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                if request.method not in ("GET", "HEAD"):
                    cors.require_own_page(request.headers, self._origins)
                return await call(request)
            except StatusError as error:
                return _refusal(error, error.http, _AGAIN if error.http in (429, 503) else None)
            except (Missing, Gone) as error:
                return _refusal(error if isinstance(error, Missing) else "its picture is gone", 404)
            except Conflict as error:
                return _refusal(error, 409)
            except TooMany as error:
                return _refusal(error, 429, _AGAIN)
            except (Full, NoSpace) as error:
                # Where files and database are here is nobody else's business.
                LOGGER.error("orders: %s", error)
                return _refusal(_NO_ROOM, 507)
            except (Unavailable, Away, TimeoutError) as error:
                LOGGER.error("orders: %s", str(error) or "the database did not answer in time")
                return _refusal("orders cannot be reached now; try again", 503, _AGAIN)
            except sources.Away as error:
                return _refusal(error, 503, _AGAIN)
            except ServingError as error:
                return _refusal(error, 400)
            except HTTPException as error:
                return _refusal(error.detail, error.status_code)
            except OSError as error:
                # Of the temporary files of uploads.
                if not is_full(error):
                    raise
                LOGGER.error("orders: %s", error)
                return _refusal(_NO_ROOM, 507)

        return answer

    async def _wait(self, function: Callable[..., _Found], *arguments: Any) -> _Found:
        """What the database says; raises TimeoutError when that takes longer than a request may."""
        loop = asyncio.get_running_loop()
        return await within(self._limits.seconds, loop.run_in_executor(self._waiting, function, *arguments))

    async def _place(self, request: Request) -> Response:
        forms.require(request.headers.get("content-type", ""))
        key = request.headers.get("idempotency-key")
        if key is not None and not (0 < len(key) <= 255 and key.isprintable()):
            raise invalid("Idempotency-Key: use 1 to 255 printable characters")
        with self._budget.hold() as hold:
            request._body = await read_body(request, self._limits, hold)
            async with request.form(max_files=2, max_fields=32) as form:
                photo, fields = form.get("photo"), {}
                for name in form:
                    if name not in ("photo", "photo_url", "mask", "priority"):
                        fields[name] = form.getlist(name) if name == "style" else str(form[name])
                wishes = parse({name: value for name, value in fields.items() if value != ""})
                priority = _priority(form.get("priority", "0"))
                await asyncio.to_thread(self._check, wishes)
                if isinstance(photo, UploadFile):
                    data = await photo.read()
                elif address := form.get("photo_url"):
                    data = await self._fetch(str(address))
                    hold.grow(len(data))
                else:
                    raise invalid("photo: send the photo's file in this field")
                mask = await _mask(form.get("mask"), wishes)
            sent = {"photo": data} | ({} if mask is None else {"mask": mask})
            sizes = [await asyncio.to_thread(pixels.of_file, each, name) for name, each in sent.items()]
            pixels.bound(sum(sizes), self._limits.pixels)
            await asyncio.to_thread(wishes.require_paintable, data)
            order, new = await self._wait(self._orders.place, owner(request), wishes, data, key, priority, mask)
        return JSONResponse(
            order.document(), 202, headers={"Location": f"{ROOT}/{order.id}", "Easel-Replayed": str(not new).lower()}
        )

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        state, before = query.get("state"), query.get("before")
        if state is not None and state not in STATES:
            raise invalid(f"state: use one of {', '.join(STATES)}")
        limit = query.get("limit", "50")
        if not (limit.isascii() and limit.isdigit() and len(limit) < 9 and 1 <= int(limit) <= _PAGE):
            raise invalid(f"limit: use 1 to {_PAGE}")
        found = await self._wait(self._orders.page, owner(request), state, int(limit) + 1, before)
        shown = found[: int(limit)]
        answer: dict[str, Any] = {"orders": [order.document() for order in shown]}
        if len(found) > len(shown):
            answer["next"] = f"{ROOT}?before={shown[-1].id}&limit={limit}" + (f"&state={state}" if state else "")
        return JSONResponse(answer)

    async def _show(self, request: Request) -> Response:
        return JSONResponse((await self._find(request)).document())

    async def _remove(self, request: Request) -> Response:
        await self._wait(self._orders.remove, request.path_params["id"], owner(request))
        return Response(status_code=204)

    async def _result(self, request: Request) -> Response:
        order = await self._find(request)
        if order.state != DONE:
            return JSONResponse({"error": f"there is no picture yet: {order.state}", **order.document()}, 404)
        size, pieces = await self._wait(self._orders.files.pieces, order.result)
        kind = order.wishes.get("format", Wishes.model_fields["format"].default)
        headers = {
            "Cache-Control": "private, no-store",
            "Content-Length": str(size),
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingResponse(pieces, media_type=FORMATS[kind], headers=headers)

    async def _fetch(self, address: str) -> bytes:
        loop, limit = asyncio.get_running_loop(), self._limits.request_bytes
        fetching = loop.run_in_executor(self._fetching, sources.fetch, address, self._prefixes, limit)
        return await within(self._limits.seconds, fetching)

    async def _find(self, request: Request) -> Order:
        return await self._wait(self._orders.find, request.path_params["id"], owner(request))

    def _check(self, wishes: Wishes) -> None:
        for share in wishes.styles:
            try:
                self._require_style(share.name)
            except ServingError as error:
                raise ServingError(f"style: {error}") from None
        if wishes.webhook is not None:
            webhooks.require_host(wishes.webhook, self._hosts)


def owner(request: Request) -> str:
    """Whose request it is: a digest of its key, so that the database holds no keys; the same for all without keys."""
    key = presented(request.headers.get("authorization", ""))
    return hashlib.sha256(key.encode()).hexdigest()[:32] if key else ""


async def _mask(sent: Any, wishes: Wishes) -> bytes | None:
    if not sent:
        return None
    if not isinstance(sent, UploadFile):
        raise invalid("mask: send the mask's file in this field")
    if wishes.only is not None:
        raise invalid("mask and only: give one of them")
    # A browser's form sends a file without a name and content when none was chosen.
    return await sent.read() or None


def _priority(text: Any) -> int:
    try:
        value = int(str(text))
    except ValueError:
        value = 99
    if value not in _PRIORITIES:
        raise invalid(f"priority: use {_PRIORITIES[0]} to {_PRIORITIES[-1]}")
    return value


def _refusal(error: Exception | str, status: int, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": str(error)}, status, headers=headers)
