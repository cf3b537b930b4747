"""TensorFlow Serving's REST API, with its paths, bodies and errors.

Routes: `kPredictionApiGegex` and `kModelStatusApiRegex` in tensorflow_serving/model_servers/http_rest_api_util.cc;
dispatch: http_rest_api_handler.cc; documentation: "RESTful API" on the TensorFlow Serving site.
"""

import asyncio
import re
import urllib.parse
from typing import Any

import numpy as np
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from easel_serving.server import examples, json_tensors, json_values, metadata
from easel_serving.server.core import Address, Core, classifications
from easel_serving.server.status import StatusError, invalid

_WHERE = r"/v1/models/([^/:]+)(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?"
_CALL = re.compile(rf"(?i){_WHERE}:(classify|regress|predict)")
_STATUS = re.compile(r"(?i)/v1/models(?:/([^/:]+))?(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?(?:/(metadata))?")

MAX_BODY = 64 << 20
"""Bytes of a request body; larger ones are refused before they are read to the end."""

BODY_SECONDS = 30.0
"""Time in which a body must have arrived: a client that trickles it is cut off."""


class RestApi:
    """Answers everything under `/v1/`.

    Args:
        core: the models.
    """

    def __init__(self, core: Core):
        self._core = core

    async def handle(self, request: Request) -> Response:
        """Answers one request; every failure is `{"error": message}` with TensorFlow Serving's status."""
        try:
            return _json(await self._dispatch(request))
        except StatusError as error:
            return _json({"error": str(error)}, error.http)

    async def _dispatch(self, request: Request) -> Any:
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").split("?")[0]
        if request.method == "POST" and (match := _CALL.fullmatch(path)):
            address, method = _address(match), match[4].lower()
            with self._core.metrics.request(method.capitalize(), "REST") as who:
                who["model_name"] = address.model
                body = await read_body(request)
                return await getattr(self, f"_{method}")(address, body, who)
        if request.method == "GET" and (match := _STATUS.fullmatch(path)):
            if not match[1]:
                raise invalid("Missing model name in request.")
            address = _address(match)
            return metadata.as_json(self._core, address) if match[4] else self._status(address)
        raise invalid(f"Malformed request: {request.method} {path}")

    async def _predict(self, address: Address, body: bytes, who: dict[str, str]) -> Any:
        with self._core.use(address) as (version, servable):
            who["version"] = str(version)
            # Decoding megabytes of base64 belongs beside the event loop, not in it.
            signature, inputs, row = await asyncio.to_thread(json_tensors.predict_request, body, servable.inputs)
            outputs = await self._core.run(servable, signature, inputs)
            return await asyncio.to_thread(json_tensors.predict_response, outputs, row)

    async def _classify(self, address: Address, body: bytes, who: dict[str, str]) -> Any:
        signature, serialized = await asyncio.to_thread(examples.classify_request, body)
        with self._core.use(address) as (version, servable):
            who["version"] = str(version)
            check_classify(servable, signature)
            outputs = await self._core.run(servable, signature, {"inputs": np.array(serialized, dtype=object)})
        return {"results": classifications(outputs, len(serialized))}

    async def _regress(self, address: Address, body: bytes, who: dict[str, str]) -> Any:
        signature, _ = examples.classify_request(body)
        with self._core.use(address) as (version, servable):
            who["version"] = str(version)
            check_regress(servable, signature)

    def _status(self, address: Address) -> Any:
        states = self._core.manager.states(address.model, address.version, address.label)
        return {
            "model_version_status": [
                {
                    "version": str(version),
                    "state": state,
                    "status": {"error_code": "UNKNOWN" if error else "OK", "error_message": error},
                }
                for version, state, error in states
            ]
        }


def check_classify(servable: Any, signature: str) -> None:
    """Raises what classifier.cc (`GetClassificationSignatureDef`, `PreProcessClassification`) does for a wrong one."""
    definition = _definition(servable, signature)
    if len(definition.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(definition.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(definition.outputs)}")
    if "inputs" not in definition.inputs:
        raise StatusError("FAILED_PRECONDITION", f"No classification inputs found in SignatureDef: {definition}")


def check_regress(servable: Any, signature: str) -> None:
    """Raises what regressor.cc (`PreProcessRegression`) does: none of Easel's models is a regression."""
    definition = _definition(servable, signature)
    if len(definition.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(definition.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if "inputs" not in definition.inputs:
        raise StatusError("FAILED_PRECONDITION", f"No regression inputs found in SignatureDef: {definition}")
    raise StatusError("FAILED_PRECONDITION", f"No regression outputs found in SignatureDef: {definition}")


def _definition(servable: Any, signature: str) -> Any:
    name = signature or "serving_default"
    if name not in servable.signature_defs:
        raise invalid(f"No signature was found with the name: {name}")
    return servable.signature_defs[name]


async def read_body(request: Request) -> bytes:
    """The body, within `MAX_BODY` bytes and `BODY_SECONDS`."""
    too_large = StatusError("RESOURCE_EXHAUSTED", f"The request body exceeds {MAX_BODY} bytes")
    if int(request.headers.get("content-length", 0)) > MAX_BODY:
        raise too_large

    async def collect() -> bytes:
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY:
                raise too_large
            chunks.append(chunk)
        return b"".join(chunks)

    try:
        return await asyncio.wait_for(collect(), BODY_SECONDS)
    except (TimeoutError, asyncio.TimeoutError):
        raise StatusError("DEADLINE_EXCEEDED", f"The request body did not arrive in {BODY_SECONDS} seconds") from None
    except ClientDisconnect:
        raise StatusError("CANCELLED", "The client went away") from None


def _address(match: re.Match) -> Address:
    version = int(match[2]) if match[2] else None
    if version is not None and version >= 2**63:
        raise invalid(f"Failed to convert version: {match[2]} to numeric.")
    label = urllib.parse.unquote(match[3]) if match[3] else None
    return Address(urllib.parse.unquote(match[1]), version, label)


def _json(document: Any, status: int = 200) -> Response:
    return Response(json_values.render(document), status, media_type="application/json")
